"""What an augmentation is, and how several become one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import keras
from keras import ops

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Tensor


class Augmentation(ABC):
    """A random change of a batch, as a pure function of uniform noise."""

    @property
    @abstractmethod
    def draws(self) -> int:
        """How many uniform numbers in [0, 1) it needs per image."""

    @abstractmethod
    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Change one batch.

        Args:
            images: RGB, float32, `(B, H, W, 3)`, values in [0, 255], H and W static.
            targets: class probabilities, float32, `(B, C)`, each row summing to 1.
            noise: uniform numbers, float32, `(B, draws)`, values in [0, 1). Draw them
                as float32: a float64 number just below 1 would be rounded to 1.

        Returns:
            Images and targets of the same shapes, types and ranges.
        """

    def joined(self, following: "Augmentation") -> "Augmentation | None":
        """Return one augmentation for this one and the next, or None if none is."""
        return None

    @property
    def mixes(self) -> bool:
        """Whether it changes targets too, so that they are whole classes no more."""
        return False


@final
@dataclass(frozen=True)
class Policy(Augmentation):
    """Augmentations, one after the other; made by `compose`.

    Raises:
        InvalidArgument: `items` holds something else.
    """

    items: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        if not all(isinstance(item, Augmentation) for item in self.items):
            raise InvalidArgument(
                "Expected augmentations, such as flip() or crop(4); "
                f"received {self.items!r}. Pass () to have none."
            )

    def __str__(self) -> str:
        return ", ".join(map(str, self.items)) or "none"

    @property
    def draws(self) -> int:
        """How many uniform numbers in [0, 1) all items need together."""
        return sum(item.draws for item in self.items)

    @property
    def mixes(self) -> bool:
        """Whether one of the items changes targets."""
        return any(item.mixes for item in self.items)

    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Apply the items in their order; see `Augmentation`.

        Raises:
            InvalidData: a shape or the type of the images does not fit.
        """
        self._check(images, targets, noise)
        start = 0
        for item in self.items:
            stop = start + item.draws
            images, targets = item(images, targets, noise[:, start:stop])
            start = stop
        # Interpolation and mixing may leave the range by a rounding error.
        return ops.clip(images, 0.0, 255.0), targets

    def _check(self, images: Tensor, targets: Tensor, noise: Tensor) -> None:
        dtype = keras.backend.standardize_dtype(images.dtype)
        shapes = [tuple(each.shape) for each in (images, targets, noise)]
        pixels, classes, numbers = shapes
        right = len(pixels) == 4 and pixels[3] == 3 and None not in pixels[1:]
        if not right or dtype != "float32":
            raise InvalidData(
                "Expected float32 images of shape (B, H, W, 3) with H and W known; "
                f"received {dtype} {pixels}. Cast the batch before augmenting it."
            )
        if len(classes) != 2:
            raise InvalidData(
                "Expected targets of shape (B, C), one row of class probabilities "
                f"per image; received shape {classes}. Encode the labels as one-hot."
            )
        if len(numbers) != 2 or numbers[1] != self.draws:
            raise InvalidData(
                f"Expected noise of shape (B, {self.draws}); received {numbers}. "
                "Draw policy.draws uniform numbers per image."
            )


def compose(items: Sequence[Augmentation] | Augmentation) -> Policy:
    """Put augmentations together, in order.

    Neighbours that can be one step become one: geometric ones with the same fill
    multiply their matrices, and the pixels are interpolated once instead of blurred at
    each step. What one of them moved out of the image the next can bring back.

    Args:
        items: the augmentations, first applied first; none at all changes nothing.
            One may stand alone; those of a policy count as if they stood there.

    Raises:
        InvalidArgument: `items` holds something else.

    Example:
        >>> compose([flip(), rotation(0.1), contrast(0.1)]).draws
        3
    """
    steps: list[Augmentation] = []
    if not isinstance(items, Augmentation | Iterable):
        raise InvalidArgument(
            "Expected augmentations, such as [flip(), crop(4)]; received "
            f"{type(items).__name__}. Keras' own layers are none: see cifarkit.augment."
        )
    several = (items,) if isinstance(items, Augmentation) else tuple(items)
    for item in _flat(Policy(several)):
        union = steps[-1].joined(item) if steps else None
        steps[-1:] = [union] if union else [*steps[-1:], item]
    return Policy(tuple(steps))


def _flat(policy: Policy) -> Iterator[Augmentation]:
    """Yield the augmentations of a policy, and of policies in it, in order."""
    for item in policy.items:
        if isinstance(item, Policy):
            yield from _flat(item)
        else:
            yield item
