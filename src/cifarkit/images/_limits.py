"""What is refused before a picture is decoded: too many pixels, pieces, work."""

import re
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from cifarkit._errors import InvalidImage

_RUNS = (1, 2)  # BMP's numbers of RLE8 and RLE4
_PROFILES = 3  # by chance, too, four bytes may look like the name of one
_READS, _PIECE = 8_000, 64
_SCANS = 100  # of a JPEG; encoders write ten
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")
"""The markers of a JPEG that a content follows, and its end; all others are skipped."""
_SCAN, _END = b"\xda", b"\xd9"


class Reader(BytesIO):
    """The bytes of an image file, of which no endless number of pieces is read.

    Pillow puts comments and profiles together by copying what there was. A piece that
    is too many is an error: no program writes thousands of blocks before the pixels,
    nor the pixels in pieces of a few bytes.
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


def check_dimensions(size: tuple[int, int], max_pixels: int, name: str) -> None:
    """Refuse an image of no pixels, or of more than that."""
    width, height = size
    if not 0 < width * height <= max_pixels:
        raise InvalidImage(
            f"Expected an image of 1 to {max_pixels:,} pixels; received {name}, which "
            f"is {width} x {height}. Give a smaller copy, or raise max_pixels."
        )


def check_profiles(data: bytes, name: str) -> None:
    """Refuse a PNG of many colour profiles: each may be a megabyte, unpacked."""
    if data.startswith(b"\x89PNG") and data.count(b"iCCP") > _PROFILES:
        raise InvalidImage(
            f"Expected a PNG of one colour profile; received {name}, which has more. "
            "Save it again."
        )


def check_work(image: Image.Image, name: str) -> None:
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
    if jpeg and scans_of(source.getvalue()) > _SCANS:
        raise InvalidImage(
            f"Expected a JPEG of at most {_SCANS} scans; received {name}, which has "
            "more. Save it again."
        )


def scans_of(data: bytes) -> int:
    """Count the scans of a JPEG, up to too many, and to its end: more may follow it."""
    place, scans = 2, 0
    while scans <= _SCANS and (found := _MARKER.search(data, place)):
        if found[1] == _END:
            break
        scans += found[1] == _SCAN
        place = found.end()
        place += max(2, int.from_bytes(data[place : place + 2]))  # the content's length
    return scans
