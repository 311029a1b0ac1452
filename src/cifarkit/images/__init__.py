"""Bytes and files that people bring, decoded to plain RGB arrays.

Whatever arrives here is not trusted: only five formats are tried, the header's
dimensions are checked before a pixel is decoded, and everything that Pillow can raise
becomes `InvalidImage`. No setting of Pillow is changed for the rest of the process.
"""

from cifarkit.images._decode import (
    FORMATS,
    MAX_PIXELS,
    ImageFile,
    decode,
    from_pillow,
)
from cifarkit.images._resize import resize

__all__ = ["FORMATS", "MAX_PIXELS", "ImageFile", "decode", "from_pillow", "resize"]
