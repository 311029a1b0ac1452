"""Bytes and files that people bring, decoded to plain RGB arrays.

Whatever arrives here is not trusted: only five formats are tried, the header's
dimensions are checked before a pixel is decoded, and everything that Pillow can raise
becomes `InvalidImage`. No setting of Pillow is changed for the rest of the process.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from cifarkit._errors import InvalidArgument, InvalidImage, UnknownFormat
from cifarkit._types import Images

__all__ = ["FORMATS", "MAX_PIXELS", "ImageFile", "decode", "from_pillow", "resize"]

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The formats that are decoded; nothing else is even tried."""

MAX_PIXELS = 50_000_000
"""The most pixels that `decode` accepts by default: 150 MB once decoded, and a
few times that while it is decoded."""

ImageFile: TypeAlias = bytes | str | os.PathLike[str]
"""The bytes of an image file, or the path of one."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_RUNS = (1, 2)  # BMP's numbers of RLE8 and RLE4
_SCANS = 100  # of a JPEG; encoders write ten
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")
"""The markers of a JPEG that a content follows, and its end; all others are skipped."""
_SCAN, _END = b"\xda", b"\xd9"
_ORIENTATION = 0x0112  # the EXIF tag


def decode(data: ImageFile, *, max_pixels: int = MAX_PIXELS) -> Images:
    """Decode one image to RGB, upright, as a viewer would show it on a white page.

    The EXIF orientation is applied, transparent pixels are laid over white, 16-bit
    values keep their upper 8 bits, and of an animation the first frame is taken.

    Args:
        data: the bytes of a PNG, JPEG, WEBP, GIF or BMP file, or the path of one.
        max_pixels: the most pixels (width times height) to decode.

    Returns:
        uint8, shape `(H, W, 3)`, values in [0, 255].

    Raises:
        InvalidImage: the file cannot be read, is of another format, is broken or cut
            short, or has more than `max_pixels` pixels.

    Example:
        >>> decode("cat.jpg").shape     # doctest: +SKIP
        (480, 640, 3)
    """
    content, name = _content(data)
    with _explained(name), Image.open(BytesIO(content), formats=FORMATS) as image:
        return _array(image, max_pixels, name)


def from_pillow(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> Images:
    """Return a Pillow image as RGB, upright, as `decode` would.

    Args:
        image: an image of any mode, opened by yourself.
        max_pixels: the most pixels (width times height) to take.

    Returns:
        uint8, shape `(H, W, 3)`, values in [0, 255].

    Raises:
        InvalidImage: it is broken, or has more than `max_pixels` pixels.

    Example:
        >>> from_pillow(Image.new("L", (4, 3))).shape
        (3, 4, 3)
    """
    name = f"a PIL image of mode {image.mode}"
    with _explained(name):
        return _array(image, max_pixels, name)


def _array(image: Image.Image, max_pixels: int, name: str) -> Images:
    _check_dimensions(image.size, max_pixels, name)
    _check_work(image, name)
    image.load()
    return np.ascontiguousarray(_rgb(_upright(image), name))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises into one error."""
    try:
        yield
    except (InvalidImage, MemoryError):  # it is not the file that wants memory
        raise
    # Pillow's readers raise many types on broken bytes (OSError, SyntaxError, KeyError,
    # struct.error, its own bomb warning made an error ...): the list is not documented.
    except Exception as error:
        unknown = isinstance(error, UnidentifiedImageError)
        raise (UnknownFormat if unknown else InvalidImage)(
            f"Expected a complete image file ({', '.join(FORMATS)}); received {name}, "
            f"which cannot be decoded ({_reason(error)}). "
            "Save the image again in one of these formats, or move the file away."
        ) from error


def resize(image: Images, size: int) -> Images:
    """Resize one image to a square of `size` by `size` pixels.

    Bicubic, as networks of this library resize, but with the filter widened when it
    shrinks, so that fine texture does not alias. The sides are scaled independently:
    nothing is cropped and nothing is padded.

    Args:
        image: uint8, shape `(H, W, 3)`, values in [0, 255].
        size: side of the result, in pixels.

    Returns:
        uint8, shape `(size, size, 3)`.

    Raises:
        InvalidArgument: `image` is not such an array, or `size` is below 1.

    Example:
        >>> resize(np.zeros((48, 64, 3), np.uint8), 32).shape
        (32, 32, 3)
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InvalidArgument(
            "Expected one RGB image, uint8, shape (H, W, 3); received "
            f"{image.dtype}, shape {image.shape}. "
            "Read files with cifarkit.images.decode."
        )
    if size < 1:
        raise InvalidArgument(
            f"Expected a size of at least 1 pixel; received {size}. "
            "Give the side of the square in pixels."
        )
    if image.shape[:2] == (size, size):
        return image.copy()
    return resampled(image, size, size)


def resampled(image: Images, height: int, width: int) -> Images:
    """Return an image of another size; the one way in which files are resized.

    Args:
        image: uint8, shape `(H, W, 3)`.
        height: of the result, in pixels.
        width: likewise.
    """
    size = width, height
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _content(data: ImageFile) -> tuple[bytes, str]:
    """Return the bytes to decode and what to call them in an error."""
    if isinstance(data, bytes):
        return data, f"{len(data)} bytes"
    if not isinstance(data, str | os.PathLike):
        raise InvalidArgument(
            "Expected the bytes of an image file or its path; received "
            f"{type(data).__name__}. Read the file's bytes first."
        )
    try:
        return Path(data).read_bytes(), str(data)
    except (OSError, ValueError) as error:  # ValueError: no path could be so
        reason = getattr(error, "strerror", None) or error
        raise InvalidImage(
            f"Expected an image file that can be read; received {data!s}: {reason}. "
            "Check the path and its permissions."
        ) from error


def _check_work(image: Image.Image, name: str) -> None:
    """Refuse what takes far longer to decode than its size tells.

    Pillow reads run-length encoded BMP in Python, a byte at a time; a progressive JPEG
    may repeat a scan of fifteen bytes a million times, each over all pixels.
    """
    if image.format == "BMP" and image.info.get("compression") in _RUNS:
        raise InvalidImage(
            f"Expected a BMP of plain pixels; received {name}, which is run-length "
            "encoded. Save it as PNG."
        )
    source: Any = getattr(image, "fp", None)
    # Of several pictures in one file ("MPO"), the first is decoded.
    jpeg = isinstance(image, JpegImageFile) and isinstance(source, BytesIO)
    if jpeg and _scans_of(source.getvalue()) > _SCANS:
        raise InvalidImage(
            f"Expected a JPEG of at most {_SCANS} scans; received {name}, which has "
            "more. Save it again."
        )


def _scans_of(data: bytes) -> int:
    """Count the scans of a JPEG, up to too many, and to its end: more may follow it."""
    place, scans = 2, 0
    while scans <= _SCANS and (found := _MARKER.search(data, place)):
        if found[1] == _END:
            break
        scans += found[1] == _SCAN
        place = found.end()
        place += max(2, int.from_bytes(data[place : place + 2]))  # the content's length
    return scans


def _check_dimensions(size: tuple[int, int], max_pixels: int, name: str) -> None:
    width, height = size
    if not 0 < width * height <= max_pixels:
        raise InvalidImage(
            f"Expected an image of 1 to {max_pixels:,} pixels; received {name}, which "
            f"is {width} x {height}. Give a smaller copy, or raise max_pixels."
        )


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is of none of these formats"
    return f"{type(error).__name__}: {error}"


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken metadata beside whole pixels: shown as they lie
        turn = None
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image, name: str) -> Images:
    if image.mode.startswith("I;16"):
        return _from_16_bit(image)
    if image.mode in ("I", "F"):
        raise InvalidImage(
            f"Expected 8 or 16 bits in each channel; received {name} of mode "
            f"{image.mode!r}, whose range is not known. Scale it to [0, 255], and "
            "convert it to 'L'."
        )
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(layer, mask=layer)
    return np.asarray(image.convert("RGB"))


def _from_16_bit(image: Image.Image) -> Images:
    """Keep the upper byte: Pillow's own conversion turns all above 255 white."""
    values: NDArray[Any] = np.asarray(image)
    gray = (values >> 8).astype(np.uint8)
    if (clear := image.info.get("transparency")) is not None:
        gray[values == clear] = 255
    return np.repeat(gray[..., None], 3, axis=-1)
