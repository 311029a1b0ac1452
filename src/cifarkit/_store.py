"""The store: one folder of the user's machine, written atomically, under locks.

`CIFARKIT_HOME` names it; without that it is the user's cache folder. Nothing here knows
what the files mean.
"""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from cifarkit._errors import CifarkitError, SourceError, WriteError

LIMIT = 20 * 2**30
"""Bytes that the store may hold before the least recently used files go."""

ARRAYS = "arrays"
"""The folder of the kept files."""

_FULL = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR),
    *(errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
}
"""What the operating system says of a disk that cannot be written."""

_DAY = 86_400
_log = logging.getLogger(__name__)


def root() -> Path:
    """Return the store's folder; it need not be there yet."""
    named = os.environ.get("CIFARKIT_HOME")
    if named:
        return Path(named).expanduser().absolute()
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
        raise _unwritable(error) from error
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
        place(part, path)


def write_text(path: Path, text: str) -> None:
    """Write text, UTF-8, so that `path` holds the old or the new, never a part."""

    def write(part: Path) -> None:
        part.write_text(text, encoding="utf-8")

    write_atomic(path, write)


def place(part: Path, path: Path) -> None:
    """Put a finished file of the same folder in its place, durably and at once."""
    sync(part)
    part.replace(path)
    sync(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a full or forbidden disk raises into one error of our own.

    Args:
        path: what is written, so that it is whole or as it was before.

    Raises:
        WriteError: it cannot be written.
    """
    try:
        yield
    except CifarkitError:
        raise
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise WriteError(
            f"Expected room to write {path}; it cannot be written ({error}). What was "
            "there before is unchanged: make room, or choose another place."
        ) from error


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
    except OSError as error:
        raise _unwritable(error) from error
    try:
        yield
    finally:
        held.release()


@contextmanager
def lock_if_free(name: str) -> Iterator[bool]:
    """Hold the lock `name` if nobody does, this process included; say whether."""
    held = filelock.FileLock(folder("locks") / f"{name}.lock")
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
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
    """Return the kept files and their bytes, the least recently used first.

    Only files that the store itself has made count: what else a user has in the folder
    is never looked at.
    """
    found = []
    for path in (root() / ARRAYS).glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):  # another process may prune too
            status = path.stat()
            found.append((status.st_mtime, path, status.st_size))
    return [(path, size) for _, path, size in sorted(found)]


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
    _sweep()
    return gone


def touch(path: Path) -> None:
    """Mark a file as used now; a store that cannot be written stays as it is."""
    try:
        os.utime(path)
    except OSError:
        _log.debug("The time of use of %s could not be set.", path)


def _sweep() -> None:
    """Delete what writers left behind that were killed more than a day ago."""
    for path in (root() / ARRAYS).glob(".writing-*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _DAY:
                shutil.rmtree(path, ignore_errors=True)


def _unwritable(error: OSError) -> SourceError:
    return SourceError(
        f"Expected a store that can be written; received {root()} ({error}). "
        "Set CIFARKIT_HOME to a folder that can."
    )


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
