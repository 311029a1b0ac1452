"""A training result as a folder of files, each whole or absent.

`result.json` is written last and holds the digest of every other file: a folder without
it, or with other files than it names, is not a result.
"""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit import _store
from cifarkit._errors import CorruptFile
from cifarkit._types import Json, Model

Weights = tuple[NDArray[Any], ...]

MODEL = "model.keras"
RECORD = "result.json"


def write(folder: Path, model: Model, phases: Sequence[Weights], record: Json) -> None:
    """Write a model, the weights of each phase and a record into a folder.

    Args:
        folder: is made if it is not there.
        model: a `keras.Model`.
        phases: the weights of each phase, in the order of the model's.
        record: JSON values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    _store.write_atomic(folder / MODEL, model.save)
    for number, weights in enumerate(phases, start=1):
        _save_weights(folder / _weights_file(number), weights)
    files = [MODEL, *(_weights_file(n + 1) for n in range(len(phases)))]
    digests = {name: _store.sha256(folder / name) for name in files}
    text = json.dumps({**record, "files": digests}, indent=2)
    _store.write_atomic(folder / RECORD, lambda part: _write_text(part, text))


def read(folder: Path) -> tuple[Model, list[Weights], Json]:
    """Return what `write` wrote, every file checked against its digest first.

    Raises:
        CorruptFile: a file is missing, changed or unreadable.
    """
    record = _record(folder)
    for name, digest in record["files"].items():
        _check(folder / Path(name).name, digest)
    numbers = range(1, len(record["phases"]) + 1)
    weights = [_load_weights(folder / _weights_file(number)) for number in numbers]
    model = keras.models.load_model(folder / MODEL, compile=False, safe_mode=True)
    return model, weights, record


def _weights_file(number: int) -> str:
    return f"phase_{number}.npz"


def _save_weights(path: Path, weights: Weights) -> None:
    named: dict[str, Any] = {f"{index:04}": each for index, each in enumerate(weights)}
    _store.write_atomic(path, lambda part: np.savez(part, **named))


def _load_weights(path: Path) -> Weights:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return tuple(kept[name] for name in sorted(kept.files))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CorruptFile(
            f"Expected the weights of a phase; {path} cannot be read ({error})."
        ) from error


def _record(folder: Path) -> Json:
    try:
        record: Json = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if {"files", "phases", "kept", "provenance"} <= record.keys():
            return record
        problem = f"it has the keys {sorted(record)}"
    except (OSError, ValueError, AttributeError) as error:
        problem = str(error)
    raise CorruptFile(
        f"Expected a result that TrainResult.save wrote; {folder / RECORD} is none "
        f"({problem})."
    )


def _check(path: Path, digest: str) -> None:
    if not path.is_file():
        raise CorruptFile(f"Expected the file {path}, which the result names; none is.")
    if (received := _store.sha256(path)) != digest:
        raise CorruptFile(
            f"Expected {path} to have SHA-256 {digest}; received {received}. "
            "It was changed or damaged after it was saved."
        )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
