"""CK108: what is left of an image at the end of a network, and what it takes."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit._types import Model
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import Place, places
from cifarkit.doctoring._part import Part

_WHOLE = ("AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D")
_POOLS = ("GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten")


def tiny_map(case: Case) -> Iterator[Finding]:
    """CK108: a last feature map of one row or column."""
    pool = _last_pooling(case.model)
    if pool is None:
        return
    sides = tuple(pool.tensor.shape[1:3])
    if None in sides:
        images = fitting(case.graph, case.train)
        sides = (2, 2) if images is None else pool.arriving(images[:1]).shape[1:3]
    if min(sides) < 2:
        yield Finding(
            "CK108",
            "warning",
            "The last feature map is a single point",
            f"{sides[0]} x {sides[1]} positions reach {pool.layer.name!r}: hardly "
            "anything is left of where things are in the image.",
            "Show the network larger images (size=96 or more), or take out strides.",
        )


def _last_pooling(model: Model) -> Place | None:
    """Return where the last map is pooled or flattened.

    Where a single point is what a pooling made of a whole map, that is the pooling.
    """
    maps = [place for place in places(model) if len(place.tensor.shape) == 4]
    last = next((each for each in reversed(maps) if _kind(each) in _POOLS), None)
    if last is None or tuple(last.tensor.shape[1:3]) != (1, 1):
        return last
    for place in reversed(maps[: maps.index(last)]):
        if max(getattr(place.layer, "kernel_size", (1,))) > 1:
            break  # a convolution looked at the point as if it were a map
        if _kind(place) in _WHOLE and tuple(place.output.shape[1:3]) == (1, 1):
            return place
    return last


def _kind(place: Place) -> str:
    return type(place.layer).__name__


def fitting(model: Any, part: Part) -> NDArray[np.float32] | None:
    """Return a few images as a network takes them, or None if it cannot take them.

    Images of a split are resized, as `Split.to_tf` does; others must fit.
    """
    images = part.sample.astype(np.float32)
    wanted = tuple(model.inputs[0].shape[1:])
    if len(wanted) != 3 or wanted[2] not in (None, images.shape[3]):
        return None
    given = images.shape[1:3]
    if all(side in (None, ours) for side, ours in zip(wanted, given, strict=False)):
        return images
    if part.free and None not in wanted[:2]:
        resized = keras.ops.image.resize(images, wanted[:2])
        return np.asarray(keras.ops.convert_to_numpy(resized), np.float32)
    return None
