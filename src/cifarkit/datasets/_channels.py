"""What the colours of a split are like."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidData
from cifarkit.datasets._splits import Split

_VALUES = np.arange(256)
_AT_ONCE = 4_096


@final
@dataclass(frozen=True, eq=False)
class Channel:
    """One colour channel over all pixels of all images.

    Attributes:
        name: "red", "green" or "blue".
        counts: how many pixels have each value, int64, shape `(256,)`.
    """

    name: str
    counts: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """The mean, on the scale from 0 to 255."""
        return float(self.counts @ _VALUES / self.counts.sum())

    @property
    def deviation(self) -> float:
        """The standard deviation, on the same scale."""
        squares = self.counts @ (_VALUES - self.mean) ** 2
        return float(np.sqrt(squares / self.counts.sum()))

    def __add__(self, other: "Channel") -> "Channel":
        """The same channel over the images of both."""
        return Channel(self.name, self.counts + other.counts)

    def __str__(self) -> str:
        return f"{self.name}: mean {self.mean:.2f}, deviation {self.deviation:.2f}"


def channels(split: Split) -> tuple[Channel, Channel, Channel]:
    """Count the values of red, green and blue.

    Raises:
        InvalidData: the split has no images.

    Example:
        >>> from cifarkit import datasets
        >>> print(datasets.channels(datasets.synthetic(50).train)[0])
        red: mean 78.85, deviation 62.21
    """
    if not len(split):
        raise InvalidData("Expected at least one image; received an empty split.")
    counts = np.zeros((3, 256), np.int64)
    for start in range(0, len(split), _AT_ONCE):
        pixels = split.images[start : start + _AT_ONCE].reshape(-1, 3)
        for channel in range(3):
            counts[channel] += np.bincount(pixels[:, channel], minlength=256)
    red, green, blue = counts
    return Channel("red", red), Channel("green", green), Channel("blue", blue)
