"""An array in a file, read as it is needed and held in bounded memory."""

import mmap
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray


@final
class Mapped:
    """An array of an `.npy` file, mapped into memory.

    The operating system keeps in its own cache what there is room for; this process
    holds at most about `limit` bytes of it.

    Args:
        path: the file; it stays readable after it is deleted.
        limit: bytes, at least 0.
    """

    def __init__(self, path: Path, limit: int) -> None:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"expected version 1.0 of the format; found {version}")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        count = int(np.prod(shape))
        self._array = np.frombuffer(self._map, dtype, count, start).reshape(shape)
        self._limit, self._read = limit, 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""
        return self._array.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(self._array.nbytes)

    def __getitem__(self, chosen: Any) -> NDArray[Any]:
        """Return a copy of what is chosen."""
        given = np.array(self._array[chosen])
        # A page holds more than the row that is read of it.
        self._read += max(given.nbytes, mmap.PAGESIZE * len(given))
        if self._read > self._limit:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._read = 0
        return given
