"""EXIF and XMP, of which the orientation alone is read.

Pillow copies out all that a directory of EXIF names, and trusts it: one may name the
same bytes thousands of times. So what is looked for is looked for here.
"""

import re
import struct
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
