"""The chain: the verified store first, then each origin in turn, then one error."""

import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit import _arrays, _store
from cifarkit._errors import SourceError
from cifarkit._sources._web import Source
from cifarkit._types import Arrays

_SOURCE = "__source__"
_DIGEST = "__digest__"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """A source, and how the arrays are read from the file that it gives.

    Args:
        source: where the file comes from.
        read: decodes the file; it gets only files that have passed their digest.
    """

    source: Source
    read: Callable[[Path], Arrays]


@dataclass(frozen=True)
class ArraySet:
    """Arrays with one fixed content, whatever origin they come from.

    Args:
        name: the name in the store, and for `cifarkit fetch`.
        digest: the `fingerprint` of the arrays. Empty where it is not known yet: then
            the digests of the origins' files vouch for the content.
        origins: where they may come from, the best first.
    """

    name: str
    digest: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class Loaded:
    """Arrays that have passed their digest, and where they came from.

    Args:
        arrays: the arrays by name.
        source: the label of the source that gave them.
        digest: their `fingerprint`.
    """

    arrays: dict[str, NDArray[Any]]
    source: str
    digest: str


def load(wanted: ArraySet) -> Loaded:
    """Return the arrays, from the store or from the first origin that has them.

    Concurrent processes are safe: one fetches, the others wait and read what it kept.

    Raises:
        SourceError: no origin could give them; the text lists every try.
    """
    kept = _read(wanted)
    if kept is not None:
        return kept
    with _store.lock(wanted.name):
        return _read(wanted) or _fetch(wanted)


def fingerprint(arrays: Arrays) -> str:
    """Return the SHA-256 over the names, types, shapes and bytes of the arrays."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode())
        total.update(array.view(np.uint8).data if array.size else b"")
    return total.hexdigest()


def _path(wanted: ArraySet) -> Path:
    return (
        _store.root()
        / _store.ARRAYS
        / f"{wanted.name}-{wanted.digest[:12] or 'any'}.npz"
    )


def _read(wanted: ArraySet) -> Loaded | None:
    path = _path(wanted)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            arrays = _arrays.read(file)
        source, recorded = str(arrays.pop(_SOURCE)), str(arrays.pop(_DIGEST))
    except (OSError, KeyError) as error:
        _log.warning("%s cannot be read (%s); it is fetched again.", path, error)
        return None
    digest = fingerprint(arrays)
    if digest != (wanted.digest or recorded):
        _log.warning("%s has another content than it had; it is fetched again.", path)
        return None
    _store.touch(path)
    return Loaded(arrays, source, digest)


def _fetch(wanted: ArraySet) -> Loaded:
    tries = []
    for origin in wanted.origins:
        try:
            loaded = _decode(wanted, origin)
        except Exception as error:
            # A decoder may fail in any way on a file that is not what it should be.
            tries.append(f"  {origin.source.label}: {error}")
            continue
        _keep(wanted, loaded)
        return loaded
    raise SourceError(
        f"Expected {wanted.name} from one of its sources; none could give it:\n"
        + "\n".join(tries)
        + "\nOn a machine that reaches one of them, do the same or, for what is taken "
        f"by default, run: python -m cifarkit fetch {wanted.name.split('.')[0]}\n"
        f"Then copy its store to {_store.root()}, or set CIFARKIT_HOME to the copy."
    )


def _decode(wanted: ArraySet, origin: Origin) -> Loaded:
    folder = _store.folder("fetching") / wanted.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        arrays = dict(origin.read(origin.source.fetch(folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    digest = fingerprint(arrays)
    if wanted.digest and digest != wanted.digest:
        raise SourceError(f"the arrays have digest {digest}, expected {wanted.digest}")
    return Loaded(arrays, origin.source.label, digest)


def _keep(wanted: ArraySet, loaded: Loaded) -> None:
    notes = {_SOURCE: np.array(loaded.source), _DIGEST: np.array(loaded.digest)}
    content, path = {**loaded.arrays, **notes}, _path(wanted)
    try:
        _store.write_atomic(path, lambda part: _arrays.write(part, content))
        _store.prune()
    except OSError as error:
        _log.warning("%s could not be kept (%s); it is used this once.", path, error)
