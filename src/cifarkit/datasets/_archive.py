"""Files inside a folder or a tar archive, as bytes; nothing is unpacked to disk."""

import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cifarkit._errors import CifarkitError, CorruptFile

LARGEST = 256 * 2**20
"""Bytes that all files of a data set may have."""


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
    with tarfile.open(path) as archive:
        total = 0
        for member in archive:
            total += member.size  # of others too, which must be read through
            _check_size(path / member.name, total)
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


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST:
        raise CorruptFile(
            f"Expected at most {LARGEST:,} bytes in {path}; received {size:,}. "
            "Give the files as they were published."
        )
