"""Nearly equal images in two sets, found by what a frozen network makes of them."""

from dataclasses import dataclass
from typing import final

import numpy as np

from cifarkit import backbones
from cifarkit._errors import InvalidArgument
from cifarkit._types import Floats, Images
from cifarkit.activations import Cache, extract, pooled
from cifarkit.backbones import Backbone
from cifarkit.evaluation._predict import check_images

_AT_ONCE = 1_024
_ROUNDING = 1e-6  # of a cosine in float32


@final
@dataclass(frozen=True, order=True)
class Twin:
    """Two images that a network can hardly tell apart.

    Attributes:
        similarity: cosine of their features, at most 1.
        first: the place of one in the first set.
        second: the place of the other in the second set.
    """

    similarity: float
    first: int
    second: int


def twins(
    first: Images,
    second: Images,
    *,
    least: float = 0.95,
    backbone: str | Backbone = "mobilenetv2",
    size: int = 96,
    cache: Cache | None = None,
) -> tuple[Twin, ...]:
    """Find images of a second set that have a near twin in a first one.

    Crops, other colours and other compression leave features nearly as they are, where
    pixels differ everywhere. What is found is a list to look at, not a verdict.

    Args:
        first: uint8, shape `(N, H, W, 3)`, such as the training images.
        second: uint8, shape `(M, H, W, 3)`, such as the test images.
        least: the least cosine of the features, in (0, 1].
        backbone: what makes the features, pooled over places.
        size: side in pixels at which it sees the images.
        cache: how features are computed and kept, as in training.

    Returns:
        For each image of the second set the nearest one of the first, if it is near
        enough; the nearest pairs first.

    Raises:
        InvalidArgument: `least` is out of range, or the sizes differ.
        InvalidData: a set is empty, or no array of uint8 RGB images.
        UnknownName: there is no such backbone.
        SourceError: its weights could not be had.

    Example:
        >>> found = twins(data.train.images, data.test.images)       # doctest: +SKIP
        >>> rest = set(range(len(data.test))) - {each.second for each in found}
        >>> evaluate(result.model, data.test.select(sorted(rest)))   # doctest: +SKIP
    """
    for images in (first, second):
        check_images(images)
    if not 0 < least <= 1 or first.shape[1:] != second.shape[1:]:
        raise InvalidArgument(
            "Expected least in (0, 1], and images of one size in both sets; received "
            f"{least!r} and images of shapes {first.shape} and {second.shape}."
        )
    chosen = backbones.as_backbone(backbone)
    network = pooled(
        chosen.build(size),
        native=(first.shape[1], first.shape[2]),
        interpolation=chosen.interpolation,
    )
    known, asked = (
        _directions(extract(network, images, cache=cache).view(0))
        for images in (first, second)
    )
    found = []
    for start in range(0, len(asked), _AT_ONCE):
        cosines = (asked[start : start + _AT_ONCE] @ known.T).clip(max=1.0)
        for row, place in enumerate(cosines.argmax(axis=1)):
            if cosines[row, place] >= least - _ROUNDING:
                twin = Twin(float(cosines[row, place]), int(place), start + row)
                found.append(twin)
    return tuple(sorted(found, reverse=True))


def _directions(features: Floats) -> Floats:
    values = np.asarray(features, np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions: Floats = values / np.maximum(lengths, 1e-12)
    return directions
