"""Whatever people bring, as RGB arrays that a network can be given."""

import os
from typing import Any

import numpy as np
from PIL import Image

from cifarkit import images
from cifarkit._errors import InvalidArgument, InvalidImage
from cifarkit._types import Images


def pixels(item: Any, *, max_pixels: int) -> Images:
    """Return one image as uint8, shape `(H, W, 3)`, RGB in [0, 255].

    Args:
        item: the bytes of an image file, its path, a `PIL.Image.Image`, or such an
            array.
        max_pixels: the most pixels that are decoded.

    Raises:
        InvalidImage: an image that cannot be decoded, or too large a one.
        InvalidArgument: another kind of thing.
    """
    if isinstance(item, bytes | bytearray | memoryview):
        return images.decode(bytes(item), max_pixels=max_pixels)
    if isinstance(item, str | os.PathLike):
        return images.decode(item, max_pixels=max_pixels)
    if isinstance(item, Image.Image):
        return images.from_pillow(item, max_pixels=max_pixels)
    if isinstance(item, np.ndarray):
        return _checked(item, max_pixels)
    raise InvalidArgument(
        "Expected the bytes of an image file, its path, a PIL image or a uint8 array "
        f"of shape (H, W, 3); received {type(item).__name__}."
    )


def shrunk(image: Images, height: int, width: int) -> Images:
    """Return an image no side of which is longer than that, shrunk with antialiasing.

    The network would shrink it too, but without: fine texture would alias.
    """
    return fitted(image, min(image.shape[0], height), min(image.shape[1], width))


def fitted(image: Images, height: int, width: int) -> Images:
    """Return an image of exactly that size, for a network that takes no other."""
    if image.shape[:2] == (height, width):
        return image
    return images.resize(image, (height, width))


def _checked(array: Any, max_pixels: int) -> Images:
    right = array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3
    if not right or 0 in array.shape:
        raise InvalidArgument(
            "Expected an RGB array, uint8, shape (H, W, 3), values in [0, 255]; "
            f"received {array.dtype}, shape {array.shape}. Convert it; give several "
            "images as a list."
        )
    if array.shape[0] * array.shape[1] > max_pixels:
        raise InvalidImage(
            f"Expected at most {max_pixels:,} pixels; received {array.shape[1]} x "
            f"{array.shape[0]}. Shrink the image first."
        )
    found: Images = np.ascontiguousarray(array)
    return found
