"""Which images of CIFAR-10 a recipe learns from, and how large they are shown."""

from dataclasses import dataclass, replace
from typing import final

import keras
import numpy as np

from cifarkit import datasets
from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole, require_whole
from cifarkit.datasets import Split, Splits

_ALL, _TEST = 50_000, 10_000
_AT_ONCE = 1_000


@final
@dataclass(frozen=True, kw_only=True)
class Images:
    """A draw from CIFAR-10; the test images are always those that are published.

    Args:
        size: side in pixels at which a network sees them.
        train: how many of the 50,000 training images are learnt from.
        validation: how many others of these are chosen by.
        test: how many of the 10,000 test images are looked at.
        enlarged: side to which they are enlarged beforehand, bilinearly and rounded to
            whole values; None leaves them at 32.

    Raises:
        InvalidArgument: more images than there are, a size below 1, or a fraction.

    Example:
        >>> print(Images(size=96, train=40_000, validation=10_000))
        40,000 + 10,000 at 96 x 96 pixels
    """

    size: int
    train: int = 45_000
    validation: int = 5_000
    test: int = _TEST
    enlarged: int | None = None

    def __post_init__(self) -> None:
        counts = (self.train, self.validation, self.test)
        sides = (self.size, 32 if self.enlarged is None else self.enlarged)
        whole = all(is_whole(number, least=1) for number in counts + sides)
        if not whole or self.train + self.validation > _ALL or self.test > _TEST:
            raise InvalidArgument(
                f"Expected up to {_ALL:,} training and validation images together, up "
                f"to {_TEST:,} test images, at least one of each, and sizes from 1, as "
                f"whole numbers; received {self!r}."
            )

    def __str__(self) -> str:
        step = f", by way of {self.enlarged} x {self.enlarged}" if self.enlarged else ""
        count = f"{self.train:,} + {self.validation:,}"
        return f"{count} at {self.size} x {self.size} pixels{step}"

    def limited(self, limit: int) -> "Images":
        """Return a draw of at most `limit` images in each split.

        Raises:
            InvalidArgument: `limit` is below 1.
        """
        require_whole("limit", limit)
        parts = ("train", "validation", "test")
        return replace(
            self, **{name: min(limit, getattr(self, name)) for name in parts}
        )

    def load(self, seed: int = 0) -> Splits:
        """Return the images; see `datasets.cifar10` for where they come from.

        Args:
            seed: of the draw.
        """
        whole = datasets.cifar10(self.size, validation=self.validation, seed=seed)
        return Splits(
            _enlarged(whole.train.take(self.train, seed=seed), self.enlarged),
            _enlarged(whole.validation, self.enlarged),
            _enlarged(whole.test.take(self.test, seed=seed), self.enlarged),
            whole.source,
        )


def _enlarged(split: Split, side: int | None) -> Split:
    if side is None:
        return split
    resize = keras.layers.Resizing(side, side, interpolation="bilinear")
    images = np.empty((len(split), side, side, 3), np.uint8)
    for start in range(0, len(split), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        pixels = keras.ops.convert_to_numpy(resize(split.images[rows]))
        images[rows] = np.rint(pixels).clip(0, 255)
    return replace(split, images=images)
