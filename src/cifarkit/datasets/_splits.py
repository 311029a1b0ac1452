"""The two values that every data set becomes: a split, and the three of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._sources import fingerprint
from cifarkit._types import Images, Labels
from cifarkit.datasets._checks import (
    array_of,
    check_images,
    check_labels,
    check_names,
    check_size,
)
from cifarkit.datasets._draw import draw
from cifarkit.datasets._pipeline import pipeline


@final
@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Labelled images at their native size.

    The arrays are held as read-only views and are not copied: whoever made them must
    not change them either, because `digest` is computed once.

    Args:
        images: uint8, shape `(N, H, W, 3)`, RGB in [0, 255].
        labels: int64, shape `(N,)`, in [0, number of classes).
        class_names: one different name per class, in the order of the labels.
        size: side in pixels at which the images are shown to a network. The images
            are not resized here: 50,000 at 160 pixels in float32 would be 14 GiB.

    Raises:
        InvalidData: a shape, a type, a label or a name is not as stated above.
        InvalidArgument: `size` is not a whole number of at least 1.

    Example:
        >>> images = np.zeros((2, 8, 8, 3), np.uint8)
        >>> Split(images, np.array([0, 1]), ("cat", "dog"), size=32)
        Split(2 images of 8 x 8, 2 classes, size=32)
    """

    images: Images
    labels: Labels
    class_names: tuple[str, ...]
    size: int

    def __post_init__(self) -> None:
        check_size(self.size)
        check_names(self.class_names)
        check_images(self.images)
        check_labels(self.labels, len(self.images), len(self.class_names))
        object.__setattr__(self, "images", _read_only(self.images))
        object.__setattr__(self, "labels", _read_only(self.labels))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return (
            f"Split({len(self):,} images of {_sides(self)}, "
            f"{len(self.class_names)} classes, size={self.size})"
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the pixels, the labels and the class names, in hexadecimal."""
        names = np.frombuffer(json.dumps(self.class_names).encode(), dtype=np.uint8)
        return fingerprint(
            {"images": self.images, "labels": self.labels, "class_names": names}
        )

    def take(self, n: int, seed: int = 0) -> "Split":
        """Return `n` of the images, every class with its share, in their order here.

        The number taken of a class differs from its exact share by less than one.

        Args:
            n: how many images.
            seed: of the draw.

        Raises:
            InvalidArgument: `n` is below 0 or above `len(self)`, or `seed` below 0.
        """
        return self.select(draw(self.labels, n, seed=seed)[0])

    def select(
        self, positions: Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]
    ) -> "Split":
        """Return the images at the given positions, in the given order.

        Args:
            positions: whole numbers, or a mask: a truth value for each image.

        Raises:
            InvalidArgument: these are neither, or a position is outside
                [0, len(self)).
            InvalidData: they are no array.
        """
        given = array_of(positions)
        if given.dtype == bool and given.shape == (len(self),):
            given = np.flatnonzero(given)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise InvalidArgument(
                "Expected positions, whole numbers in one row, or a mask of "
                f"{len(self)} truth values; received {given.dtype} of shape "
                f"{given.shape}."
            )
        chosen = given.astype(np.int64)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < len(self):
            raise InvalidArgument(
                f"Expected positions from 0 to {len(self) - 1}; received "
                f"{chosen.min()} to {chosen.max()}. Count from 0, without negatives."
            )
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def to_tf(
        self,
        batch_size: int = 64,
        shuffle: bool = False,
        *,
        seed: int = 0,
        one_hot: bool = False,
        scale: Literal[255, 1] = 255,
    ) -> Any:
        """Return a `tf.data.Dataset` for a Keras model of your own.

        cifarkit's trainer does not need it: it takes the split itself.

        Args:
            batch_size: images per batch; the last batch may be smaller.
            shuffle: a new order of all images in each epoch.
            seed: where these orders come from, with TensorFlow's global seed if set.
            one_hot: labels as float32 of shape `(B, classes)`, else int64 `(B,)`.
            scale: upper end of the pixel range. 255 is what cifarkit's models take.

        Returns:
            Batches of images, float32, shape `(B, size, size, 3)`, in [0, scale],
            resized bilinearly, and labels.

        Raises:
            InvalidArgument: `batch_size` is below 1, or `scale` neither 255 nor 1.
        """
        return pipeline(
            self.images,
            self.labels,
            size=self.size,
            classes=len(self.class_names) if one_hot else 0,
            batch_size=batch_size,
            seed=seed if shuffle else None,
            scale=scale,
        )


@final
@dataclass(frozen=True, eq=False, repr=False)
class Splits:
    """Training, validation and test images of the same classes.

    Args:
        train: what weights are fitted to.
        validation: what choices are made on; it may be empty.
        test: what is looked at once, at the end; it may be empty.
        source: where the images come from, in words.

    Raises:
        InvalidData: the three differ in class names or in `size`.

    Example:
        >>> images = np.zeros((2, 8, 8, 3), np.uint8)
        >>> split = Split(images, np.array([0, 1]), ("cat", "dog"), size=32)
        >>> Splits(split, split.take(0), split)
        Splits(train=2, validation=0, test=2 images of 8 x 8, 2 classes, size=32)
    """

    train: Split
    validation: Split
    test: Split
    source: str = "memory"

    def __post_init__(self) -> None:
        for name, other in (("validation", self.validation), ("test", self.test)):
            for field in ("class_names", "size"):
                ours, theirs = getattr(self.train, field), getattr(other, field)
                if ours != theirs:
                    raise InvalidData(
                        f"Expected the {field} of train in {name} too, {ours}; "
                        f"received {theirs}. Make all splits with the same {field}."
                    )

    def __repr__(self) -> str:
        return (
            f"Splits(train={len(self.train):,}, validation={len(self.validation):,}, "
            f"test={len(self.test):,} images of {_sides(self.train)}, "
            f"{len(self.train.class_names)} classes, size={self.train.size})"
        )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _sides(split: Split) -> str:
    height, width = split.images.shape[1:3]
    return f"{width} x {height}"
