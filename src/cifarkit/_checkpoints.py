"""Numbered states of a long work in a folder: whole or absent, the newest whole counts.

A state is an `.npz` file and a manifest, which is written after it and commits it: it
holds the size and the digest of the file, and a record of its own. A process that is
killed at any moment leaves the state before. Only files of these names are ever
touched: `000001.npz`, `000001.manifest`, `000001.damaged`, `.writing-...`.
"""

import hashlib
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, final

from numpy.typing import NDArray

from cifarkit import _arrays, _sealed, _store
from cifarkit._errors import CorruptFile, WriteError
from cifarkit._types import Json

KEPT = 2
"""How many states are kept, so that a damaged one costs little."""

_ODD = (ValueError, KeyError, TypeError)
_NUMBERED = re.compile(r"(\d{6})\.(npz|manifest)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A state that has passed its digest.

    Args:
        number: its number; later ones are larger.
        arrays: its arrays by name.
        record: its JSON values.
    """

    number: int
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)
    record: Json = field(repr=False)


@final
class Checkpoints:
    """The states in a folder; one process at a time may write there.

    Args:
        folder: is made by the first `save`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, arrays: Mapping[str, NDArray[Any]], record: Json) -> int:
        """Add a state, and delete all but the newest ones.

        Returns:
            Its number.

        Raises:
            WriteError: it cannot be written; the earlier states are as they were.
        """
        number = max(self._numbers("npz", "manifest"), default=0) + 1
        try:
            with _store.writing(self._path(number)):
                self._write(number, arrays, record)
        except WriteError:
            self._path(number).unlink(missing_ok=True)
            raise
        for old in self._numbers("manifest")[:-KEPT]:
            self._delete(old)
        return number

    def newest(self) -> Checkpoint | None:
        """Return the newest whole state, or None; damaged ones are set aside.

        Raises:
            OSError: a file cannot be read now, which says nothing about what it holds.
        """
        for number in reversed(self._numbers("manifest")):
            try:
                return self._read(number)
            except CorruptFile as error:
                _log.warning("Checkpoint %d is damaged: %s", number, error)
                manifest = self._path(number, "manifest")
                manifest.replace(self._path(number, "damaged"))
        return None

    def tidy(self) -> None:
        """Delete what a killed process has left half-written."""
        for part in self.folder.glob(".writing-*"):
            shutil.rmtree(part, ignore_errors=True)
        whole = {*self._numbers("manifest")}
        for number in self._numbers("npz"):
            if number not in whole and not self._path(number, "damaged").exists():
                self._path(number, "npz").unlink(missing_ok=True)

    def _write(
        self, number: int, arrays: Mapping[str, NDArray[Any]], record: Json
    ) -> None:
        about: Json = {}

        def write(part: Path) -> None:
            _arrays.write(part, arrays)
            about.update(bytes=part.stat().st_size, sha256=_store.sha256(part))

        _store.write_atomic(self._path(number, "npz"), write)
        _sealed.write(self._path(number, "manifest"), {**about, "record": record})

    def _read(self, number: int) -> Checkpoint:
        about, path = _sealed.read(self._path(number, "manifest")), self._path(number)
        try:
            if path.stat().st_size != about["bytes"]:
                raise ValueError(f"it has {path.stat().st_size} bytes")
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != about["sha256"]:
                raise ValueError("its digest is another")
            return Checkpoint(number, _arrays.read(BytesIO(content)), about["record"])
        except (CorruptFile, FileNotFoundError, *_ODD) as error:
            raise CorruptFile(
                f"Expected {path} as its manifest says; it cannot be used ({error})."
            ) from error

    def _delete(self, number: int) -> None:
        """Delete a state so that nobody finds a manifest without its file."""
        self._path(number, "manifest").unlink(missing_ok=True)
        self._path(number, "npz").unlink(missing_ok=True)

    def _numbers(self, *kinds: str) -> list[int]:
        return sorted({number for number, kind in self._names() if kind in kinds})

    def _names(self) -> Iterator[tuple[int, str]]:
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if match := _NUMBERED.fullmatch(path.name):
                yield int(match[1]), match[2]

    def _path(self, number: int, kind: str = "npz") -> Path:
        return self.folder / f"{number:06}.{kind}"
