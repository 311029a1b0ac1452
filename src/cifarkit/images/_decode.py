"""From a file, its bytes or a Pillow image to an array."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, UnidentifiedImageError

from cifarkit._errors import InvalidArgument, InvalidImage, UnknownFormat
from cifarkit._numbers import require_whole
from cifarkit._types import Images
from cifarkit.images._limits import (
    Reader,
    check_dimensions,
    check_profiles,
    check_work,
)
from cifarkit.images._metadata import masked
from cifarkit.images._pixels import rgb, settle_clear, upright

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The formats that are decoded; nothing else is even tried."""

_HEAD, _BEGIN = 16, (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"BM")

MAX_PIXELS = 50_000_000
"""The most pixels that `decode` accepts by default: 150 MB once decoded, and a
few times that while it is decoded."""

ImageFile: TypeAlias = bytes | str | os.PathLike[str]
"""The bytes of an image file, or the path of one."""


def decode(data: ImageFile, *, max_pixels: int = MAX_PIXELS) -> Images:
    """Decode one image to RGB, upright, as a viewer would show it on a white page.

    The EXIF orientation is applied, transparent pixels are laid over white, 16-bit
    values keep their upper 8 bits, and of an animation the first frame is taken.

    Args:
        data: the bytes of a PNG, JPEG, WEBP, GIF or BMP file, or the path of one.
        max_pixels: the most pixels (width times height) to decode. Pillow itself
            refuses more than 178,956,970.

    Returns:
        uint8, shape `(H, W, 3)`, values in [0, 255].

    Raises:
        InvalidImage: the file cannot be read, is of another format, is broken or cut
            short, or has more than `max_pixels` pixels.

    Example:
        >>> decode("cat.jpg").shape     # doctest: +SKIP
        (480, 640, 3)
    """
    require_whole("max_pixels", max_pixels)
    content, name = _content(data)
    check_profiles(content, name)
    reader = Reader(masked(content))
    with _explained(name), Image.open(reader, formats=FORMATS) as image:
        reader.pixels_may_be_read()
        settle_clear(image)
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
    require_whole("max_pixels", max_pixels)
    if not isinstance(image, Image.Image):
        raise InvalidArgument(
            f"Expected a PIL.Image.Image; received {type(image).__name__}. "
            "images.decode reads files and bytes."
        )
    name = f"a PIL image of mode {image.mode}"
    with _explained(name):
        return _array(image, max_pixels, name)


def _array(image: Image.Image, max_pixels: int, name: str) -> Images:
    check_dimensions(image.size, max_pixels, name)
    check_work(image, name)
    image.load()
    return np.ascontiguousarray(rgb(upright(image), name))


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
        return _read(Path(data)), str(data)
    except (OSError, ValueError) as error:  # ValueError: no path could be so
        reason = getattr(error, "strerror", None) or error
        raise InvalidImage(
            f"Expected an image file that can be read; received {data!s}: {reason}. "
            "Check the path and its permissions."
        ) from error


def _read(path: Path) -> bytes:
    """Return the content of a file; of one that is no image, its beginning."""
    if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        raise OSError(errno.EINVAL, "it is no regular file")
    with path.open("rb") as file:
        begins = file.read(_HEAD)
        other = begins.startswith(b"RIFF") and begins[8:12] != b"WEBP"  # film or sound
        known = begins.startswith(_BEGIN) and not other
        return begins + file.read() if known else begins


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is of none of these formats"
    return f"{type(error).__name__}: {error}"
