"""What stands beside the pixels of an image, of which the orientation alone is read.

Pillow reads all metadata before a pixel is looked at, and trusts what they say: a
directory of EXIF may name the same bytes thousands of times, each time a copy, and
comments are put together by copying what there was. Files that make it do so are
refused, or their metadata are hidden from it.
"""

import re
import struct
from io import BytesIO
from typing import Any

from PIL import Image

_ORIENTATION = 0x0112
_EXIF = b"Exif\0\0"
_MASK = b"------"
_HIDDEN = re.compile(rb"\xff(?:\xe1..Exif\0\0|\xe2..MPF\0)", re.DOTALL)
"""A JPEG's EXIF, and its index of further pictures. No pixels look so: in them a zero
or the end of a part follows 255."""
_INTEGERS = {3: "H", 4: "I"}  # EXIF's types of whole numbers
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_READS, _PIECE = 8_000, 64


class Reader(BytesIO):
    """The bytes of an image file, of which no endless number of pieces is read.

    A piece that is too many is an error: no program writes thousands of blocks before
    the pixels, nor the pixels in pieces of a few bytes.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = _READS

    def pixels_may_be_read(self) -> None:
        """Let the rest be read in as many pieces as pixels have."""
        self._left = _READS + len(self.getbuffer()) // _PIECE

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on, and count."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("it has too many pieces: leave its metadata out")
        return super().read(size)


def masked(data: bytes) -> bytes:
    """Return an image file of which Pillow reads no EXIF unasked.

    It looks into that of a JPEG as it opens it; of all others when it is asked.
    """
    if not data.startswith(b"\xff\xd8"):
        return data
    return _HIDDEN.sub(lambda found: found[0][:4].ljust(len(found[0]), b"-"), data)


def orientation(image: Image.Image) -> int:
    """Return how an image was held, from 1 to 8, as EXIF or XMP says; 1 if unknown.

    Args:
        image: an image whose pixels were loaded, so that all of `info` is there; of a
            `masked` file, too.
    """
    raw = _raw(image)
    found = _asked(image) if raw is None else _in_directory(raw.removeprefix(_EXIF))
    return found or _in_xmp(image.info) or 1


def _asked(image: Image.Image) -> int | None:
    """Ask Pillow, where it has nothing to copy: of a TIFF, or set by its owner."""
    try:
        return image.getexif().get(_ORIENTATION)
    except MemoryError:
        raise
    except Exception:  # broken metadata beside whole pixels: shown as they lie
        return None


def _raw(image: Image.Image) -> bytes | None:
    """Return what Pillow would take for the EXIF of an image."""
    info: Any = image.info
    for kind, content in getattr(image, "applist", ()):
        if kind == "APP1" and content.startswith(_MASK):
            return bytes(content[len(_MASK) :])
    if isinstance(exif := info.get("exif"), bytes):
        return exif
    try:
        text = info["Raw profile type exif"]  # as ImageMagick writes it into PNG
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except (KeyError, ValueError, AttributeError):
        return None


def _in_directory(exif: bytes) -> int | None:
    """Look an orientation up in the first directory of TIFF's kind."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return None
    (place,) = struct.unpack_from(f"{order}I", exif, 4)
    if place + 2 > len(exif):
        return None
    (count,) = struct.unpack_from(f"{order}H", exif, place)
    for start in range(place + 2, min(place + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind = struct.unpack_from(f"{order}HH", exif, start)
        if tag == _ORIENTATION and kind in _INTEGERS:
            (value,) = struct.unpack_from(order + _INTEGERS[kind], exif, start + 8)
            return value if 1 <= value <= 8 else None
    return None


def _in_xmp(info: Any) -> int | None:
    text = info.get("XML:com.adobe.xmp") or info.get("xmp") or b""
    data = text.encode(errors="ignore") if isinstance(text, str) else text
    found = _XMP.search(data) if isinstance(data, bytes) else None
    return int(found[1]) if found else None
