"""An array in a file, of which rows are read as they are asked for."""

import os
import weakref
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import SourceError


@final
class Stored:
    """An array of an `.npy` file.

    This process holds nothing of it: the operating system keeps in its own cache what
    there is room for. Several threads may read at once.

    Args:
        path: the file; it stays readable after it is deleted.

    Raises:
        ValueError: the file has another format.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"expected version 1.0 of the format; found {version}")
            self.shape, _, self._dtype = np.lib.format.read_array_header_1_0(file)
            self._start = file.tell()
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(np.prod(self.shape)) * self._dtype.itemsize

    def __getitem__(self, chosen: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return the rows at the chosen positions, `(B,)`, each from 0.

        Raises:
            SourceError: the file is shorter than it was.
        """
        given = np.empty((len(chosen), *self.shape[1:]), self._dtype)
        # Rows that follow each other are read at once.
        ends = [*(np.flatnonzero(np.diff(chosen) != 1) + 1).tolist(), len(chosen)]
        start = 0
        for end in ends if len(chosen) else ():
            self._read(given[start:end], int(chosen[start]))
            start = end
        return given

    def _read(self, rows: NDArray[Any], first: int) -> None:
        """Fill an array with rows from the `first` on."""
        left = rows.reshape(-1).view(np.uint8).data
        place = self._start + first * (self.nbytes // self.shape[0])
        while len(left):
            count = os.preadv(self._file, [left], place)
            if not count:
                raise SourceError(
                    f"Expected rows up to number {first + len(rows)} of {self.shape[0]}"
                    " in a file of activations; received the end of the file. It was "
                    "changed while it was read: run again, and it is made anew."
                )
            left, place = left[count:], place + count
