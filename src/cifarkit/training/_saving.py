"""A training result as a folder of files, each whole or absent.

`result.json` is written last and holds the digest of every other file: a folder without
it, or with other files than it names, is not a result.
"""

import contextlib
import json
import math
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cifarkit import _arrays, _sealed, _store, models
from cifarkit._errors import CorruptFile, InvalidArgument
from cifarkit._types import Json, Model

Weights = tuple[NDArray[Any], ...]

_UNREADABLE = (OSError, ValueError, RecursionError, AttributeError, TypeError, KeyError)

_NEW = ".new"
"""What a file's name ends in that waits for the record which names it."""

_PHASE = re.compile(r"phase_\d+\.npz")

_OURS = b'"phases"', b'"provenance"'
"""Keys of a record: of one that was damaged, a place or two, one is there still."""

MODEL = "model.keras"
RECORD = "result.json"


def write(folder: Path, model: Model, phases: Sequence[Weights], record: Json) -> None:
    """Write a model, the weights of each phase and a record into a folder.

    All files are written beside first and take their places together, so that an
    earlier result in the folder stays as it is if a write fails.

    Args:
        folder: is made if it is not there.
        model: a `keras.Model`.
        phases: the weights of each phase, in the order of the model's.
        record: JSON values.

    Raises:
        InvalidArgument: `folder` is a file, or has a `result.json` of another kind.
        WriteError: it cannot be written.
    """
    with _store.writing(folder):
        _check_place(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, model, phases, record)


def _write(folder: Path, model: Model, phases: Sequence[Weights], record: Json) -> None:
    names, earlier = _files(len(phases)), (folder / RECORD).exists()
    if earlier:
        _settle_all(folder)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as beside:
        part = Path(beside)
        model.save(part / MODEL)
        for name, weights in zip(names[1:], phases, strict=True):
            _save_weights(part / name, weights)
        digests = {name: _store.sha256(part / name) for name in names}
        text = json.dumps(finite({**record, "files": digests}), indent=2)
        (part / RECORD).write_text(text + "\n", encoding="utf-8")
        for name in names:
            _store.place(part / name, folder / f"{name}{_NEW}")
        _store.place(part / RECORD, folder / RECORD)  # from now on the new ones count
    for name in names:
        _settle(folder / name, digests[name])
    for path in folder.glob("phase_*.npz") if earlier else ():
        if _PHASE.fullmatch(path.name) and path.name not in names:
            path.unlink()


def read(folder: Path) -> tuple[Model, list[Weights], Json]:
    """Return what `write` wrote, every file checked against its digest first.

    Raises:
        CorruptFile: a file is missing, changed or unreadable.
    """
    record = _record(folder)
    try:
        return _read(folder, record)
    except CorruptFile:
        newer = _record(folder)
        if newer == record:
            raise
        return _read(folder, newer)  # another process has saved meanwhile


def _read(folder: Path, record: Json) -> tuple[Model, list[Weights], Json]:
    names = _files(len(record["phases"]))
    for name in names:
        _settle(folder / name, record["files"][name])
        _check(folder / name, record["files"][name])
    weights = [_load_weights(folder / name) for name in names[1:]]
    return models.loaded(folder / MODEL), weights, record


def record_of(model: Path) -> Json | None:
    """Return the record of the result in which a model lies, or None if in none.

    A file of the same name that is no such record says nothing of the model.

    Raises:
        CorruptFile: the record or the model was changed after it was saved.
    """
    beside = model.with_name(RECORD)
    if model.name != MODEL or not beside.is_file():
        return None
    with beside.open("rb") as file:
        begins = file.read(_sealed.LARGEST)
    if not any(key in begins for key in _OURS):
        return None
    record = _record(model.parent)
    _settle(model, record["files"][MODEL])
    _check(model, record["files"][MODEL])
    return record


def _files(phases: int) -> list[str]:
    return [MODEL, *(f"phase_{number}.npz" for number in range(1, phases + 1))]


def _settle_all(folder: Path) -> None:
    """Complete the result that a killed process has left, before another takes over."""
    for name, digest in _record(folder)["files"].items():
        _settle(folder / name, digest)


def _check_place(folder: Path) -> None:
    if folder.is_file() or folder.suffix == ".keras":
        raise InvalidArgument(
            f"Expected a folder to save into; received {folder}. Choose another name: "
            "the model is the file model.keras inside."
        )
    if (folder / RECORD).exists():
        try:
            _record(folder)
        except CorruptFile as error:
            raise InvalidArgument(
                f"Expected a folder without other files named {RECORD}; {folder} has "
                f"one that is no result of cifarkit. Choose another. ({error})"
            ) from error


def finite(value: Any) -> Any:
    """Return JSON values with null in place of NaN and infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def _save_weights(path: Path, weights: Weights) -> None:
    _arrays.write(path, {f"{index:04}": each for index, each in enumerate(weights)})


def _load_weights(path: Path) -> Weights:
    try:
        with path.open("rb") as file:
            kept = _arrays.read(file)
    except OSError as error:
        raise CorruptFile(
            f"Expected the weights of a phase; {path} cannot be read ({error})."
        ) from error
    return tuple(kept[name] for name in sorted(kept))


def _record(folder: Path) -> Json:
    try:
        with (folder / RECORD).open("rb") as file:
            record: Json = json.loads(file.read(_sealed.LARGEST))
        _check_record(record)
    except _UNREADABLE as error:
        raise CorruptFile(
            f"Expected a result that TrainResult.save wrote; {folder / RECORD} is none "
            f"({error!r:.300})."
        ) from error
    return record


def _check_record(record: Json) -> None:
    phases = record["phases"]
    epochs = [len(phase["history"]["loss"]) for phase in phases]
    sound = (
        sorted(record["files"]) == sorted(_files(len(phases)))
        and isinstance(record["provenance"], dict)
        and record["kept"] in range(1, len(phases) + 1)
        and all(
            phase["kept_epoch"] in range(count)
            for phase, count in zip(phases, epochs, strict=True)
        )
        and all(
            len(values) == count
            for phase, count in zip(phases, epochs, strict=True)
            for values in phase["history"].values()
        )
    )
    if not sound:
        raise ValueError("its entries contradict each other")


def _settle(path: Path, digest: str) -> None:
    """Put a file in its place that a killed process has left beside it."""
    new = path.with_name(f"{path.name}{_NEW}")
    with contextlib.suppress(FileNotFoundError):  # another process has just done so
        if _store.sha256(new) == digest:
            new.replace(path)


def _check(path: Path, digest: str) -> None:
    if not path.is_file():
        raise CorruptFile(f"Expected the file {path}, which the result names; none is.")
    if (received := _store.sha256(path)) != digest:
        raise CorruptFile(
            f"Expected {path} to have SHA-256 {digest}; received {received}. "
            "It was changed or damaged after it was saved."
        )
