"""Writing activations to disk, so that a killed process costs nothing but time.

An entry is filled beside its place, in a folder that only the holder of a lock touches;
how far it is safely on disk is noted every few seconds, and the next process goes on
from there. The finished folder is renamed into its place.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import BinaryIO

import numpy as np

from cifarkit import _store
from cifarkit._errors import SourceError
from cifarkit.activations import _shelf
from cifarkit.activations._codec import Codec, Parts
from cifarkit.activations._key import Key

SECONDS = 5.0
"""How much work a killed process may lose."""

_PROGRESS = "progress.json"


class Filling:
    """An entry that is being written; hold the lock of its key meanwhile.

    Args:
        key: what the activations follow from.
        codec: what they are kept in.
        rows: how many there will be: views times images.
    """

    def __init__(self, key: Key, codec: Codec, rows: int) -> None:
        self._key, self._layout, self._rows = key, codec.layout, rows
        self._path = _store.folder(_shelf.FOLDER) / f"{_shelf.PART}{key.digest}"

    def write(self, batches: Iterator[tuple[int, Parts]], done: int) -> None:
        """Write batches of rows behind those that are there, then commit.

        Args:
            batches: for each batch the number of rows before its end, and its arrays.
            done: how many rows are there, as `resume` said.

        Raises:
            SourceError: the disk is full or cannot be written.
        """
        try:
            self._write(batches, done)
        except OSError as error:
            shutil.rmtree(self._path, ignore_errors=True)
            raise SourceError(
                f"Expected room for activations in {_store.root()}; received: {error}. "
                "Set CIFARKIT_HOME to a larger disk, or cache=Cache(disk=False)."
            ) from error

    def resume(self) -> int:
        """Return how many rows an earlier process left; more is never trusted."""
        with contextlib.suppress(*_shelf.UNREADABLE):
            rows = int(json.loads((self._path / _PROGRESS).read_text())["rows"])
            if self._holds(rows):
                return rows
        shutil.rmtree(self._path, ignore_errors=True)
        return 0

    def _holds(self, rows: int) -> bool:
        """Whether the files can have that many rows."""
        return 0 < rows <= self._rows and all(
            (self._path / f"{name}.npy").stat().st_size >= rows * self._row(name)
            for name in self._layout
        )

    def _row(self, name: str) -> int:
        """Return the bytes of one image in an array."""
        dtype, shape = self._layout[name]
        return np.dtype(dtype).itemsize * int(np.prod(shape))

    def _write(self, batches: Iterator[tuple[int, Parts]], done: int) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            files = {
                name: opened.enter_context(self._open(name, done))
                for name in self._layout
            }
            self._append(files, batches)
        self._commit()

    def _append(
        self, files: Mapping[str, BinaryIO], batches: Iterator[tuple[int, Parts]]
    ) -> None:
        noted = time.monotonic()
        for rows, parts in batches:
            for name, array in parts.items():
                files[name].write(np.ascontiguousarray(array).data)
            if time.monotonic() - noted > SECONDS:
                self._note(files, rows)
                noted = time.monotonic()
        for file in files.values():
            _flush(file)

    def _open(self, name: str, done: int) -> BinaryIO:
        """Open an array's file behind its first `done` rows; cut off what follows."""
        dtype, shape = self._layout[name]
        path = self._path / f"{name}.npy"
        file = path.open("r+b" if done else "w+b")
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        header = {"descr": descr, "fortran_order": False, "shape": (self._rows, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        file.seek(file.tell() + done * self._row(name))
        file.truncate()
        return file

    def _note(self, files: Mapping[str, BinaryIO], rows: int) -> None:
        for file in files.values():
            _flush(file)
        text = json.dumps({"rows": rows})
        _store.write_text(self._path / _PROGRESS, text)

    def _commit(self) -> None:
        digests = {
            name: _store.sha256(self._path / f"{name}.npy") for name in self._layout
        }
        text = json.dumps({"key": asdict(self._key), "digests": digests}, indent=2)
        _store.write_text(self._path / _shelf.RECORD, text)
        (self._path / _PROGRESS).unlink(missing_ok=True)
        _shelf.discard(_shelf.path_of(self._key))
        _store.place(self._path, _shelf.path_of(self._key))
        _shelf.prune(_shelf.LIMIT)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
