"""A trained model into a folder that other programs use."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import keras

from cifarkit import _store, calibration, models
from cifarkit._errors import (
    CifarkitError,
    CorruptFile,
    ExportError,
    InvalidArgument,
)
from cifarkit._types import Images, Json, Model
from cifarkit.exporting import _verify
from cifarkit.exporting._formats import FORMATS, check_samples, checked
from cifarkit.prediction import Predictor
from cifarkit.prediction._card import CARD, CLASSES, Card, files_of
from cifarkit.training import TrainResult
from cifarkit.training._provenance import surroundings
from cifarkit.training._saving import record_of


@final
@dataclass(frozen=True)
class Export:
    """What `export` wrote.

    Args:
        folder: where it lies, with `classes.json` and `export.json`.
        paths: the file or folder of each format.
        differences: the largest difference of a probability from the model's, by
            format; empty where nothing was verified.
    """

    folder: Path
    paths: Mapping[str, Path]
    differences: Mapping[str, float]


def export(
    model: Model | TrainResult | str | Path,
    folder: str | Path,
    formats: Iterable[str] = ("keras", "onnx", "litert"),
    *,
    class_names: Sequence[str] | None = None,
    temperature: float = 1.0,
    samples: Images | None = None,
    verify: bool = True,
) -> Export:
    """Write a model in several formats, all of which give one answer.

    Every file takes raw RGB, uint8, shape `(N, H, W, 3)`, of any size if the model does
    (a model of one size stays one), and gives probabilities, float32, shape `(N, C)`.
    `.keras` takes floats in [0, 255] too. Larger images are best shrunk before, as
    `Predictor` does: the resize inside does not smooth.

    Args:
        model: a `keras.Model` from raw RGB to probabilities, what training gave, the
            folder in which that was saved, or a `.keras` file.
        folder: is made; an earlier export in it is replaced as a whole. Killed between
            the two renames of that moment, it lies in a folder `.export-...` beside.
        formats: of `FORMATS`: "keras", "saved_model", "onnx", "litert", "litert_int8",
            "openvino".
        class_names: in label order; None takes those of a `TrainResult`, or of a
            `classes.json` beside the file, else numbers.
        temperature: of `cifarkit.calibration`; the logits are divided by it.
        samples: some hundred training images, uint8, shape `(N, H, W, 3)`, from which
            "litert_int8" takes its ranges.
        verify: whether each file is run on fixed images of several sizes and compared
            with the model. "litert_int8" is measured, but not held to 1e-4.

    Raises:
        CorruptFile: the file or folder cannot be read.
        ExportError: a format cannot hold the model, or gives other answers.
        InvalidArgument: an argument cannot be meant, or the folder holds other files.
        MissingExtra: the packages of a format are not installed.
        WriteError: the folder cannot be written.

    Example:
        >>> export(result, "exported", "onnx").paths["onnx"]      # doctest: +SKIP
        PosixPath('exported/model.onnx')
    """
    names, target = checked(formats, samples), _resolved(folder)
    _check_backend()
    with _store.writing(target):
        _check_target(target, model)
    network, known, about = _given(model, class_names)
    if temperature != 1.0:
        network = calibration.scaled(network, temperature)
    predictor = Predictor(network, known)
    check_samples(network, names, samples)
    about = {"temperature": temperature, **surroundings(), "training": about}
    with _store.writing(target), _beside(target) as work:
        part = work / "part"
        part.mkdir()
        _write(network, part, names, samples)
        _describe(predictor, part, names, about)
        paths = {name: part / FORMATS[name][0] for name in names}
        found = _verify.compared(predictor, paths) if verify else {}
        _check_target(target, model)  # minutes may have passed
        _replace(part, target, work / "earlier")
    return Export(target, {name: target / FORMATS[name][0] for name in names}, found)


def _resolved(folder: str | Path) -> Path:
    try:
        return Path(folder).resolve()
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            f"Expected the path of a folder; received {folder!r} ({error})."
        ) from error


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Make a folder on the disk of another one, for a while."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as work:
        yield Path(work)


def _given(
    model: Model | TrainResult | str | Path, named: Sequence[str] | None
) -> tuple[Model, Sequence[str] | None, Json]:
    """Return a network, the names of its classes, and how it came about."""
    if isinstance(model, str | Path):
        if not (path := Path(model)).is_dir():
            return _given_file(path, named)
        model = TrainResult.load(path)
    if isinstance(model, TrainResult):
        made = model.provenance
        known = made.get("class_names") if named is None else named
        return model.model, known, made
    return model, named, {}


def _given_file(
    path: Path, named: Sequence[str] | None
) -> tuple[Model, Sequence[str], Json]:
    names = Predictor(path, named).class_names  # refuses what is no model
    record = record_of(path) or {"provenance": {}}
    return models.loaded(path), names, record["provenance"]


def _write(
    model: Model, folder: Path, names: Iterable[str], samples: Images | None
) -> None:
    for name in names:
        file, write = FORMATS[name]
        try:
            with _store.writing(folder / file):
                write(model, folder / file, samples)
        except CifarkitError:
            raise
        except Exception as error:  # each converter raises types of its own
            raise ExportError(
                f"Expected a model that {name} can hold; received one that its "
                f"converter refuses ({type(error).__name__}: {error!s:.500}). Nothing "
                "was written. Leave the format out, or replace the layer it names."
            ) from error


def _describe(
    predictor: Predictor, folder: Path, names: Iterable[str], about: Json
) -> None:
    """Write the class names, and the card with the digests of all files."""
    names_of_classes = json.dumps(list(predictor.class_names), indent=2) + "\n"
    _store.write_text(folder / CLASSES, names_of_classes)
    paths = [file for name in names for file in files_of(folder / FORMATS[name][0])]
    paths.append(folder / CLASSES)
    digests = {p.relative_to(folder).as_posix(): _store.sha256(p) for p in paths}
    Card(predictor.size, predictor.fixed, digests, about).write(folder)


def _replace(part: Path, target: Path, earlier: Path) -> None:
    """Put a finished folder in the place of an earlier one, or of none."""
    for path in files_of(part):
        _store.sync(path)
    if target.exists():
        target.rename(earlier)
    try:
        part.rename(target)
    except BaseException:  # also Ctrl-C: the earlier one would be deleted with `work`
        if earlier.exists():
            earlier.rename(target)
        raise
    _store.sync(target.parent)


def _check_backend() -> None:
    if keras.backend.backend() != "tensorflow":
        raise InvalidArgument(
            "Expected Keras on TensorFlow, whose graphs the converters read; received "
            f"{keras.backend.backend()!r}. Save the model, and export its .keras file "
            "in a process with KERAS_BACKEND=tensorflow."
        )


def _digests(target: Path) -> Iterable[str]:
    """Return which files an earlier export holds; none if its card cannot be read."""
    try:
        return Card.read(target).digests
    except CorruptFile:
        return ()


def _check_target(target: Path, source: object) -> None:
    """Refuse a folder that holds anything but an earlier export.

    Raises:
        InvalidArgument: it does, or the model itself lies in it.
    """
    held = {path.relative_to(target) for path in target.rglob("*")}
    named = {CARD, CLASSES, *_digests(target)} if Path(CARD) in held else ()
    known = {each for name in named for each in (Path(name), *Path(name).parents)}
    given = Path(source).resolve() if isinstance(source, str | Path) else None
    inside = given is not None and given.is_relative_to(target)
    other = held - known or (target.exists() and not target.is_dir())
    if other or inside or target.is_mount():
        raise InvalidArgument(
            f"Expected a folder that is new, empty or of an earlier export; received "
            f"{target}, which holds other files or the model itself, or is a file. "
            "Name another."
        )
