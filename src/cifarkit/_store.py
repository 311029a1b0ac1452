"""The store: one folder of the user's machine, written atomically, under locks.

`CIFARKIT_HOME` names it; without that it is the user's cache folder. Nothing here knows
what the files mean.
"""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from cifarkit._errors import SourceError

LIMIT = 20 * 2**30
"""Bytes that the store may hold before the least recently used files go."""

_log = logging.getLogger(__name__)


def root() -> Path:
    """Return the store's folder; it need not be there yet."""
    named = os.environ.get("CIFARKIT_HOME")
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_cache_dir("cifarkit", appauthor=False))


def folder(name: str) -> Path:
    """Return a folder of the store, made if it is not there.

    Raises:
        SourceError: the folder cannot be made.
    """
    path = root() / name
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"Expected a store that can be written; received {root()} ({error}). "
            "Set CIFARKIT_HOME to a folder that can."
        ) from error
    return path


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that `path` holds the old content or the new, never a part.

    Args:
        path: the file in the end; its folder is made if it is not there.
        write: writes the content into the path that it is given, which lies in the
            same folder and has the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
        part = Path(folder) / path.name
        write(part)
        _sync(part)
        part.replace(path)
    _sync(path.parent)


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the lock `name`; it ends with the process, however that ends.

    Raises:
        SourceError: the store cannot be written.
    """
    held = filelock.FileLock(folder("locks") / f"{name}.lock")
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        _log.info("Waiting for another process that is getting %s.", name)
        held.acquire()
    try:
        yield
    finally:
        held.release()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    return digest(path, "sha256")


def digest(path: Path, algorithm: str) -> str:
    """Return the digest of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def files() -> list[tuple[Path, int]]:
    """Return the kept files and their bytes, the least recently used first."""
    kept = [path for path in root().rglob("*") if path.is_file() and _counts(path)]
    stats = sorted((path.stat().st_mtime, path) for path in kept)
    return [(path, path.stat().st_size) for _, path in stats]


def prune(limit: int = LIMIT) -> list[Path]:
    """Delete the least recently used files until at most `limit` bytes are left.

    Returns:
        The files that were deleted.
    """
    kept = files()
    excess = sum(size for _, size in kept) - limit
    gone = []
    for path, size in kept:
        if excess <= 0:
            break
        path.unlink(missing_ok=True)
        gone.append(path)
        excess -= size
    return gone


def touch(path: Path) -> None:
    """Mark a file as used now; a store that cannot be written stays as it is."""
    try:
        os.utime(path)
    except OSError:
        _log.debug("The time of use of %s could not be set.", path)


def _counts(path: Path) -> bool:
    """Only whole data files count: no locks, and nothing that is being written."""
    inside = path.relative_to(root()).parts
    return inside[0] not in ("locks", "fetching") and not any(
        part.startswith(".writing-") for part in inside
    )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
