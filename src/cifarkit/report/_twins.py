"""What the accuracy is without the test images that are nearly training images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cifarkit import metrics
from cifarkit._errors import InvalidArgument
from cifarkit._types import Floats, Labels
from cifarkit.report._blocks import Block, Heading, Text


class Twin(Protocol):
    """What is needed of a pair that `doctoring.twins` found."""

    @property
    def similarity(self) -> float:
        """Cosine of the features of both images."""

    @property
    def second(self) -> int:
        """The place of the test image."""


@dataclass(frozen=True)
class Apart:
    """A test set without its near twins.

    Attributes:
        twins: how many test images have a near twin among the training images.
        least: the least cosine of the features of two such images; None without any.
        images: how many test images are left.
        accuracy: on those, in [0, 1]; None if none is left.
        interval: the 95 % Wilson interval of that, or None.
    """

    twins: int
    least: float | None
    images: int
    accuracy: float | None
    interval: tuple[float, float] | None


def check_twins(twins: Sequence[Twin] | None, images: int) -> None:
    """Refuse twins that are not in the test images.

    Raises:
        InvalidArgument: they are not.
    """
    for twin in twins or ():
        if not 0 <= twin.second < images:
            raise InvalidArgument(
                f"Expected twins among the {images:,} test images; received one in "
                f"place {twin.second:,}. Call doctoring.twins(data.train.images, "
                "data.test.images)."
            )


def apart(twins: Sequence[Twin] | None, labels: Labels, rows: Floats) -> Apart | None:
    """Return how good a model is without near twins, or None if nobody looked.

    Args:
        twins: of training and test images, from `doctoring.twins`.
        labels: of the test images.
        rows: what the model gives for the test images.
    """
    if twins is None:
        return None
    right = rows.argmax(axis=1) == labels
    rest = np.delete(right, [twin.second for twin in twins])
    hits, images = int(rest.sum()), len(rest)
    return Apart(
        twins=len(right) - images,
        least=min((float(twin.similarity) for twin in twins), default=None),
        images=images,
        accuracy=hits / images if images else None,
        interval=metrics.wilson_interval(hits, images) if images else None,
    )


def near_twins(found: Apart | None) -> list[Block]:
    """Say how good a model is without near twins; nothing if nobody looked."""
    if found is None:
        return []
    return [Heading("Near twins"), Text(_told(found))]


def _told(found: Apart) -> str:
    if found.least is None:
        return "A search among the training images found no near twin of a test image."
    words = (
        f"Test images with a near twin among the training images: {found.twins:,} "
        f"(the cosine of the features of both is {found.least:.4f} or more)."
    )
    if found.accuracy is None or found.interval is None:
        return f"{words} No other test image is left."
    low, high = found.interval
    return (
        f"{words} Of the other {found.images:,}, {found.accuracy:.2%} are classified "
        f"correctly (95 % interval {low:.2%} to {high:.2%})."
    )
