"""Arrays in `.npz` files that need not be trusted.

NumPy's own reader allocates what a header declares and unpacks what is compressed. Here
nothing is larger than the file, and no pickle is ever read.
"""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import CorruptFile

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name, uncompressed; `path` ends in `.npz`."""
    named: dict[str, Any] = dict(arrays)
    np.savez(path, **named)


def read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Return the arrays of an uncompressed `.npz` file, by name.

    Raises:
        CorruptFile: it is no such file, or it declares more than it holds.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            found = {each.filename: _array(archive, each) for each in members}
    except Exception as error:  # readers of zip and of headers share no base
        raise CorruptFile(
            f"Expected arrays in an uncompressed .npz file; it cannot be read "
            f"({type(error).__name__}: {error})."
        ) from error
    if len(found) != len(members):
        raise CorruptFile("Expected arrays of different names; received one twice.")
    return {name.removesuffix(".npy"): array for name, array in found.items()}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        shape, fortran, dtype = _HEADERS[version](content)
        nbytes = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or nbytes != member.file_size - content.tell():
            raise ValueError(f"{member.filename} declares what it does not hold")
        if member.file_size > member.compress_size:
            raise ValueError(f"{member.filename} is shorter than it says")
        held = bytearray(content.read())  # to the end, where the checksum is compared
    return np.frombuffer(held, dtype).reshape(shape, order="F" if fortran else "C")
