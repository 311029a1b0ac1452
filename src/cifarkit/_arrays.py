"""Arrays in `.npz` files that need not be trusted.

NumPy's own reader allocates what a header declares and unpacks what is compressed. Here
nothing is larger than the file, and no pickle is ever read.
"""

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import CorruptFile

_BRIEF = "@bfloat16"
"""What the name of an array ends in whose type NumPy's format does not know."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name, uncompressed; `path` ends in `.npz`."""
    named: dict[str, Any] = {}
    for name, array in arrays.items():
        is_brief = array.dtype.name == "bfloat16"
        named[name + _BRIEF if is_brief else name] = (
            array.view(np.uint16) if is_brief else array
        )
    np.savez(path, **named)


def read(file: BinaryIO, *, most: int | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an `.npz` file, by name.

    Args:
        file: an open file.
        most: bytes that all arrays may have; None admits no compressed file, so that
            there are no more than the file has.

    Raises:
        CorruptFile: it is no such file, or it declares more than it may.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(members, most)
            found = {each.filename: _array(archive, each) for each in members}
    except Exception as error:  # readers of zip and of headers share no base
        raise CorruptFile(
            f"Expected arrays of an .npz file in {getattr(file, 'name', 'it')}; it "
            f"cannot be read ({type(error).__name__}: {error}). Fetch it again."
        ) from error
    return dict(_named(each.removesuffix(".npy"), found[each]) for each in found)


def _named(name: str, array: NDArray[Any]) -> tuple[str, NDArray[Any]]:
    if not name.endswith(_BRIEF) or array.dtype != np.uint16:
        return name, array
    import ml_dtypes  # of Keras; only where it has made such arrays

    return name.removesuffix(_BRIEF), array.view(ml_dtypes.bfloat16)


def _check(members: Sequence[zipfile.ZipInfo], most: int | None) -> None:
    if len({each.filename for each in members}) != len(members):
        raise ValueError("a name occurs twice")
    if most is not None and sum(each.file_size for each in members) > most:
        raise ValueError(f"its arrays have more than {most:,} bytes")
    # Deflate unpacks no more than it is asked for; others unpack all they are given.
    kinds = {zipfile.ZIP_STORED} | (set() if most is None else {zipfile.ZIP_DEFLATED})
    for each in members:
        if each.compress_type not in kinds:
            raise ValueError(f"{each.filename} is compressed")
        if most is None and each.file_size > each.compress_size:
            raise ValueError(f"{each.filename} is shorter than it says")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        shape, fortran, dtype = _HEADERS[version](content)
        nbytes = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds objects, which are code")
        if nbytes != member.file_size - content.tell():
            raise ValueError(f"{member.filename} declares what it does not hold")
        held = bytearray(content.read(nbytes))  # and the checksum is compared
    return np.frombuffer(held, dtype).reshape(shape, order="F" if fortran else "C")
