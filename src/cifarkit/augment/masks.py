"""Boxes cut from an image."""

from dataclasses import dataclass
from typing import final

from keras import ops

from cifarkit._types import Tensor
from cifarkit.augment.bounds import pixels_of
from cifarkit.augment.policy import Augmentation


def cutout(side: int = 8) -> Augmentation:
    """Cover a square of `side` pixels with the image's mean colour.

    Its centre is uniform over the image, so part of the square may lie outside. Source:
    DeVries and Taylor 2017, arXiv:1708.04552 (whose cover is 0 after the mean has been
    subtracted).

    Args:
        side: side of the square in pixels.

    Raises:
        InvalidArgument: `side` is not a positive whole number.
    """
    return Cutout(side)


@final
@dataclass(frozen=True)
class Cutout(Augmentation):
    """A square of the mean colour, `side` pixels wide."""

    side: int

    def __str__(self) -> str:
        return f"cutout {self.side}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "side", pixels_of("side", self.side))

    @property
    def draws(self) -> int:
        """Two: the centre of the square."""
        return 2

    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cover the square; the targets stay."""
        mean = ops.mean(images, axis=(1, 2), keepdims=True)
        covered = box(images, noise, self.side, self.side)
        return ops.where(covered, mean, images), targets


def box(images: Tensor, centre: Tensor, tall: Tensor, wide: Tensor) -> Tensor:
    """Return which pixels lie in a box: bool `(B, H, W, 1)`.

    Args:
        images: `(B, H, W, 3)`; only H and W matter.
        centre: y and x of the box's centre as fractions of H and W, float32 `(B, 2)`.
        tall: height in pixels, a number or float32 `(B, 1)`.
        wide: width in pixels, likewise.
    """
    _, height, width, _ = images.shape
    rows = _between(centre[:, :1], tall, height)
    columns = _between(centre[:, 1:], wide, width)
    return ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])


def _between(centre: Tensor, length: Tensor, size: int) -> Tensor:
    # Half open, so that a box of whole length holds that many pixels wherever it is.
    away = ops.arange(size, dtype="float32") + 0.5 - centre * size
    return ops.logical_and(away >= -length / 2, away < length / 2)
