"""Writing activations to disk, so that a killed process costs nothing but time.

An entry is filled beside its place, in a folder that only the holder of a lock touches;
how far it is safely on disk is noted every few seconds, and the next process goes on
from there. The finished folder is renamed into its place.
"""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cifarkit import _sealed, _store
from cifarkit._errors import SourceError, TrainingError
from cifarkit.activations import _shelf
from cifarkit.activations._codec import Codec, Parts
from cifarkit.activations._key import Key

SECONDS = 5.0
"""How much work a killed process may lose."""

_PROGRESS = "progress.sealed"


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
        self._seen: dict[str, Any] = {}

    def write(self, batches: Iterator[tuple[int, Parts]], done: int) -> None:
        """Write batches of rows behind those that are there, then commit.

        Args:
            batches: for each batch the number of rows before its end, and its arrays.
            done: how many rows are there, as `resume` said.

        Raises:
            SourceError: the disk is full or cannot be written; or what the batches
                are made from cannot be read any more.
            TrainingError: their values cannot be kept.
        """
        try:
            self._write(batches, done)
        except TrainingError:  # of these values: nothing can go on from them
            shutil.rmtree(self._path, ignore_errors=True)
            raise
        except OSError as error:
            shutil.rmtree(self._path, ignore_errors=True)
            if isinstance(error, SourceError):  # of what is read here, not written
                raise
            raise SourceError(
                f"Expected room for activations in {_store.root()}; received: {error}. "
                "Set CIFARKIT_HOME to a larger disk, or cache=Cache(disk=False)."
            ) from error
        _shelf.prune(_shelf.LIMIT)

    def resume(self) -> int:
        """Return how many rows an earlier process left; more is never trusted."""
        with contextlib.suppress(*_shelf.UNREADABLE):
            note = _sealed.read(self._path / _PROGRESS)
            if self._holds(note["rows"], note["digests"]):
                return int(note["rows"])
        shutil.rmtree(self._path, ignore_errors=True)
        return 0

    def _holds(self, rows: int, digests: Mapping[str, str]) -> bool:
        """Whether the files have that many rows, and those that were written."""
        if not 0 < rows <= self._rows:
            return False
        for name in self._layout:
            size = len(self._header(name)) + rows * self._row(name)
            self._seen[name] = _digest(self._path / f"{name}.npy", size)
        return all(
            self._seen[name].hexdigest() == digests[name] for name in self._layout
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
                content = np.ascontiguousarray(array).data
                files[name].write(content)
                self._seen[name].update(content)
            if time.monotonic() - noted > SECONDS:
                self._note(files, rows)
                noted = time.monotonic()
        for file in files.values():
            _flush(file)

    def _open(self, name: str, done: int) -> BinaryIO:
        """Open an array's file behind its first `done` rows; cut off what follows."""
        file = (self._path / f"{name}.npy").open("r+b" if done else "w+b")
        header = self._header(name)
        if not done:
            file.write(header)
            self._seen[name] = hashlib.sha256(header)
        file.seek(len(header) + done * self._row(name))
        file.truncate()
        return file

    def _header(self, name: str) -> bytes:
        """Return how an array's file begins."""
        dtype, shape = self._layout[name]
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        header = {"descr": descr, "fortran_order": False, "shape": (self._rows, *shape)}
        content = BytesIO()
        np.lib.format.write_array_header_1_0(content, header)
        return content.getvalue()

    def _digests(self) -> dict[str, str]:
        return {name: seen.hexdigest() for name, seen in self._seen.items()}

    def _note(self, files: Mapping[str, BinaryIO], rows: int) -> None:
        for file in files.values():
            _flush(file)
        note = {"rows": rows, "digests": self._digests()}
        _sealed.write(self._path / _PROGRESS, note)

    def _commit(self) -> None:
        record = {"key": asdict(self._key), "digests": self._digests()}
        _sealed.write(self._path / _shelf.RECORD, record)
        (self._path / _PROGRESS).unlink(missing_ok=True)
        _shelf.discard(_shelf.path_of(self._key))
        _store.place(self._path, _shelf.path_of(self._key))


def _digest(path: Path, size: int) -> Any:
    """Return the SHA-256, to go on with, of a file's first bytes.

    Raises:
        ValueError: it has fewer.
    """
    total = hashlib.sha256()
    with path.open("rb") as file:
        while size:
            if not (content := file.read(min(size, 2**20))):
                raise ValueError(f"{path} ends too early")
            total.update(content)
            size -= len(content)
    return total


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
