"""Activations on disk: found by their key, filled once, never read half-written.

An entry is a folder named by the digest of its key: arrays, and a record of the key and
of the digests of the arrays, which are checked when it is read.
"""

import contextlib
import logging
import os
import secrets
import shutil
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from cifarkit import _sealed, _store
from cifarkit._errors import CorruptFile, SourceError
from cifarkit.activations._key import Key
from cifarkit.activations._stored import Stored

LIMIT = 20 * 2**30
"""Bytes of activations that the store may hold before the least recently used go."""

SHARE = 0.5
"""The largest share of the free disk that one entry may take."""

FOLDER = "activations"
"""The folder of the store that holds the entries."""

RECORD = "record.sealed"
"""The file of an entry that is written last."""

PART = ".part-"
"""What the name of a folder begins with that is no entry yet, or no more."""

DAMAGED = (CorruptFile, FileNotFoundError, ValueError, TypeError, KeyError)
"""What reading a damaged entry may raise."""

UNREADABLE = (OSError, *DAMAGED)
"""And what says nothing about the entry: no file may be opened now, by this user."""

_DAY = 86_400
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """Activations in the store.

    Args:
        key: what they follow from.
        path: their folder.
        nbytes: their size.
        used: when they were last used, in seconds since 1970.
    """

    key: Key
    path: Path
    nbytes: int
    used: float


def kept() -> tuple[Entry, ...]:
    """Return what the store holds of activations, the least recently used first."""
    found = (_entry(path) for path in (_store.root() / FOLDER).glob("[!.]*"))
    return tuple(sorted(filter(None, found), key=lambda entry: entry.used))


def size() -> int:
    """Return the bytes of all activations in the store."""
    return sum(entry.nbytes for entry in kept())


def prune(limit: int = 0) -> tuple[Entry, ...]:
    """Delete the least recently used activations until at most `limit` bytes are left.

    Unfinished ones that nobody fills any more go too, unless a later run may still go
    on with them: with a limit above 0 they are kept for a day. A process that trains
    from deleted ones goes on: what it has opened stays readable.

    Args:
        limit: bytes that may stay; 0 deletes all.

    Returns:
        What was deleted.
    """
    excess, gone = size() - limit, []
    for entry in kept():
        if excess <= 0:
            break
        if discard(entry.path):
            gone.append(entry)
        if not entry.path.exists():  # by us, or by another process
            excess -= entry.nbytes
    _sweep(older_than=_DAY if limit else 0)
    return tuple(gone)


def has_room(nbytes: int, held: int = 0) -> bool:
    """Whether the store may hold an entry of that many bytes.

    Args:
        nbytes: of the whole entry.
        held: bytes of it that lie there already, as `begun` says.
    """
    if nbytes > LIMIT:
        return False
    try:
        folder = _store.folder(FOLDER)
        free = shutil.disk_usage(folder).free
    except (SourceError, OSError):
        return False
    return os.access(folder, os.W_OK) and nbytes <= (free + held) * SHARE


def begun(key: Key) -> int:
    """Return how many bytes an earlier process left of an entry."""
    files = (_store.root() / FOLDER / f"{PART}{key.digest}").glob("*")
    with contextlib.suppress(OSError):
        return sum(path.stat().st_size for path in files)
    return 0


def lock(key: Key) -> AbstractContextManager[None]:
    """Return the lock under which the entry of a key is filled."""
    return _store.lock(key.digest)


def read(key: Key) -> dict[str, Stored] | None:
    """Return the arrays of a key, `(views * N, ...)`, or None if they are not there."""
    path = path_of(key)
    if not path.is_dir():
        return None
    try:
        record = _sealed.read(path / RECORD)
        if record["key"] != asdict(key):
            raise ValueError("it belongs to another key")
        for name, digest in record["digests"].items():
            if _store.sha256(path / f"{name}.npy") != digest:
                raise ValueError(f"{name}.npy has another content than it had")
        arrays = {name: Stored(path / f"{name}.npy") for name in record["digests"]}
    except UNREADABLE as error:
        _log.warning("Activations in %s are computed again: %s.", path, error)
        if isinstance(error, DAMAGED):
            discard(path)
        return None
    _store.touch(path / RECORD)
    return arrays


def path_of(key: Key) -> Path:
    """Return the folder of a key's entry; it need not be there."""
    return _store.root() / FOLDER / key.digest


def _entry(path: Path) -> Entry | None:
    try:
        record = _sealed.read(path / RECORD)
        used = (path / RECORD).stat().st_mtime
        nbytes = sum(file.stat().st_size for file in path.iterdir())
        return Entry(Key(**record["key"]), path, nbytes, used)
    except UNREADABLE:  # not of ours, or another process deletes it now
        return None


def discard(path: Path) -> bool:
    """Delete an entry so that nobody can find half of it; say whether that was done."""
    gone = path.with_name(f"{PART}{path.name}-gone-{secrets.token_hex(8)}")
    try:
        path.rename(gone)
    except OSError:  # it is gone, or the store cannot be written
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _sweep(older_than: float) -> None:
    """Delete what writers have left that were killed."""
    for part in (_store.root() / FOLDER).glob(f"{PART}*"):
        with contextlib.suppress(OSError):  # others sweep too, or it is another user's
            if time.time() - part.stat().st_mtime < older_than:
                continue
            with _store.lock_if_free(part.name.removeprefix(PART)) as free:
                if free:
                    shutil.rmtree(part, ignore_errors=True)
