"""Pixels of any mode, as a viewer would show them on a white page."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifarkit._errors import InvalidImage
from cifarkit._types import Images
from cifarkit.images._metadata import orientation

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BITS = {"L;2": 2, "L;4": 4, "RGB;16B": 16}  # how Pillow names what it scales to 8


def upright(image: Image.Image) -> Image.Image:
    """Return an image as its EXIF orientation says that it was meant."""
    turn = _UPRIGHT.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def rgb(image: Image.Image, name: str) -> Images:
    """Return the pixels as uint8, shape `(H, W, 3)`."""
    if image.mode.startswith("I;16"):
        return _from_16_bit(image)
    if image.mode in ("I", "F"):
        raise InvalidImage(
            f"Expected 8 or 16 bits in each channel; received {name} of mode "
            f"{image.mode!r}, whose range is not known. Scale it to [0, 255], and "
            "convert it to 'L'."
        )
    if image.has_transparency_data:
        layer = _as("RGBA", image)
        image = Image.new("RGB", image.size, "white")
        image.paste(layer, mask=layer)
    return np.asarray(_as("RGB", image))


def settle_clear(image: Any) -> None:
    """Put the colour that a PNG declares clear into 8 bits, as its pixels will be.

    Pillow scales grey of 2 or 4 bits and colours of 16, but not the one among them.

    Args:
        image: a Pillow image that was just opened; its pixels are not read yet.
    """
    bits = _BITS.get(image.tile[0].args) if image.format == "PNG" else None
    clear = image.info.get("transparency")
    if bits == 16 and isinstance(clear, tuple):
        image.info["transparency"] = tuple(part >> 8 for part in clear)
    elif bits and isinstance(clear, int):
        image.info["transparency"] = clear * 255 // (2**bits - 1)


def _as(mode: str, image: Image.Image) -> Image.Image:
    """Return an image in a mode; Pillow would copy one that is in it already."""
    return image if image.mode == mode else image.convert(mode)


def _from_16_bit(image: Image.Image) -> Images:
    """Keep the upper byte: Pillow's own conversion turns all above 255 white."""
    values: NDArray[Any] = np.asarray(image)
    gray = (values >> 8).astype(np.uint8)
    if (clear := image.info.get("transparency")) is not None:
        gray[values == clear] = 255
    return np.repeat(gray[..., None], 3, axis=-1)
