"""Files inside a folder or a tar archive, as bytes; nothing is unpacked to disk."""

import gzip
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from cifarkit._errors import CifarkitError, CorruptFile

LARGEST = 256 * 2**20
"""Bytes that all files of a data set may have."""

_BLOCK = tarfile.BLOCKSIZE


def members(path: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of those files that are in `names`.

    Args:
        path: a folder, or a tar archive in which folders do not matter.
        names: file names without folders.

    Raises:
        CorruptFile: a file is larger than any of a CIFAR data set.
    """
    if path.is_dir():
        for name in sorted(names):
            if (path / name).is_file():
                _check_size(path / name, (path / name).stat().st_size)
                yield name, (path / name).read_bytes()
        return
    _check_heads(path)
    total = 0
    with tarfile.open(path) as archive:
        for member in archive:
            if member.size < 0:  # by a record of its own, which is no head
                raise ValueError("a member has a negative size")
            total += member.size
            _check_size(path, total)
            name = member.name.rsplit("/", 1)[-1]
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None and name in names:
                yield name, content.read()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a broken file raises into an error that names the file.

    Raises:
        CorruptFile: something was raised that is not of cifarkit's own family.
    """
    try:
        yield
    except CifarkitError:
        raise
    # The readers of tar, zip, gzip, pickle and JSON share no base for their errors.
    except Exception as error:
        raise CorruptFile(
            f"Expected a CIFAR data set in {path}; its content cannot be read "
            f"({type(error).__name__}: {error}). Delete it and fetch it again."
        ) from error


def _check_heads(path: Path) -> None:
    """Look through the heads of an archive, before anything of it is held in memory.

    Raises:
        CorruptFile: its members have more bytes than a data set, or a name is as long.
    """
    total = 0
    with _unpacked(path) as file:
        while len(head := file.read(_BLOCK)) == _BLOCK and head.strip(b"\0"):
            member = tarfile.TarInfo.frombuf(head, "utf-8", "replace")
            if member.size < 0:
                raise ValueError("a member has a negative size")
            total += member.size
            _check_size(path, total if member.isreg() else 2**14 * member.size)
            left = -(-member.size // _BLOCK) * _BLOCK
            while left and (content := file.read(min(left, 2**20))):
                left -= len(content)


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path) if zipped else path.open("rb"))


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST:
        raise CorruptFile(
            f"Expected at most {LARGEST:,} bytes in {path}; received {size:,}. "
            "Give the files as they were published."
        )
