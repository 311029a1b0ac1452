"""Reading images at the points where an affine map sends each pixel."""

import itertools
from typing import Literal, TypeAlias

from keras import ops

from cifarkit._types import Tensor

Fill: TypeAlias = Literal["reflect", "constant", "nearest"]
"""What lies outside an image: its mirror image with the edge pixel repeated, black, or
the nearest edge pixel (the meaning of the same words in Keras)."""


def sample(images: Tensor, inverse: Tensor, fill: Fill, *, whole: bool) -> Tensor:
    """Read every output pixel from its place in the input image.

    Args:
        images: float32 `(B, H, W, 3)`, H and W static.
        inverse: float32 `(B, 3, 3)`; maps the column (x, y, 1) of an output pixel to
            its source, in pixels, measured from the centre of the image.
        fill: what lies outside.
        whole: the sources are pixel centres, so one pixel is read instead of four.

    Returns:
        float32 `(B, H, W, 3)`. Bilinear; a source at a pixel's centre gives that pixel
        exactly, so flips and whole-pixel shifts do not blur.
    """
    _, height, width, channels = images.shape
    x, y = _sources(inverse, height, width)
    flat = ops.reshape(images, (-1, channels))
    first = ops.arange(ops.shape(images)[0], dtype="int32")[:, None] * (height * width)
    columns = _neighbours(x, width, fill, whole)
    rows = _neighbours(y, height, fill, whole)
    output: Tensor = 0.0
    for (row, of_row), (column, of_column) in itertools.product(rows, columns):
        pixels = ops.take(flat, first + row * width + column, axis=0)
        output = output + pixels * (of_row * of_column)[..., None]
    return ops.reshape(output, ops.shape(images))


def _sources(inverse: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return x and y of every output pixel's source, each `(B, H * W)`, in pixels."""
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    x = ops.tile(ops.arange(width, dtype="float32") - middle_x, (height,))
    y = ops.repeat(ops.arange(height, dtype="float32") - middle_y, width)
    # Elementwise, not matmul: a GPU may round the factors of a matmul to ten bits.
    source_x, source_y = (
        inverse[:, row, 0, None] * x
        + inverse[:, row, 1, None] * y
        + inverse[:, row, 2, None]
        for row in (0, 1)
    )
    return source_x + middle_x, source_y + middle_y


def _neighbours(
    place: Tensor, size: int, fill: Fill, whole: bool
) -> list[tuple[Tensor, Tensor]]:
    """Return the pixels around `place` on one axis: pairs of index and weight."""
    place = _folded(place, size, fill)
    if whole:
        nearest = ops.floor(place + 0.5)
        pairs = [(nearest, ops.ones_like(place))]
    else:
        low = ops.floor(place)
        pairs = [(low, 1.0 - (place - low)), (low + 1.0, place - low)]
    if fill == "constant":
        pairs = [(at, weight * _inside(at, size)) for at, weight in pairs]
    return [
        (ops.cast(ops.clip(at, 0.0, size - 1.0), "int32"), weight)
        for at, weight in pairs
    ]


def _folded(place: Tensor, size: int, fill: Fill) -> Tensor:
    """Bring a coordinate from outside an axis back to where its pixel comes from."""
    if fill == "constant":
        return place
    if fill == "nearest":
        return ops.clip(place, 0.0, size - 1.0)
    # The mirror image repeats every two sizes, counted from the edge at -1/2.
    return size - ops.abs(ops.mod(place + 0.5, 2.0 * size) - size) - 0.5


def _inside(at: Tensor, size: int) -> Tensor:
    return ops.cast(ops.logical_and(at >= 0.0, at <= size - 1.0), "float32")
