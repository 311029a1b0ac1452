"""Models from files, and what lies beside them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cifarkit import models
from cifarkit._errors import CorruptFile, InvalidArgument
from cifarkit._types import Floats, Images, Json
from cifarkit.prediction._card import CARD, CLASSES, Card, small_json
from cifarkit.prediction._entrance import seen
from cifarkit.prediction._names import checked_names
from cifarkit.prediction._runtimes import RUNTIMES, Run, opened
from cifarkit.training import TrainResult
from cifarkit.training._saving import RECORD, record_of


@dataclass(frozen=True)
class Loaded:
    """A classifier that is ready to run.

    Args:
        run: from uint8 images, shape `(N, H, W, 3)`, to probabilities, `(N, C)`.
        size: height and width at which the network sees images.
        fixed: whether it takes images of that size alone.
        classes: how many classes there are.
        class_names: their names, where they are known.
    """

    run: Run
    size: tuple[int, int]
    fixed: bool
    classes: int
    class_names: tuple[str, ...] | None = None


def load(path: Path, *, named: bool) -> Loaded:
    """Return the classifier in a file, or in a folder that `TrainResult.save` wrote.

    Args:
        path: of the file or folder.
        named: whether class names beside the file are looked for.

    Raises:
        CorruptFile: there is none, or it cannot be read.
        InvalidArgument: a file of another kind.
        MissingExtra: the runtime of an exported file is not installed.
    """
    if path.suffix in ("", ".keras", *RUNTIMES) and not os.path.exists(path):
        raise CorruptFile(
            f"Expected a saved model at {path}; nothing is there. Check the path: "
            "result.save(folder) and export(result, folder) write one."
        )
    # By functions of `os.path`, which no name of a file makes raise.
    saved_model = os.path.exists(path / "saved_model.pb")
    if os.path.isdir(path) and not saved_model:
        result = TrainResult.load(path)
        found = of_model(result.model)
        return _called(found, result.provenance, path) if named else found
    if path.suffix == ".keras":
        _check_card(path)
        # First: a save that was killed may have to be ended.
        record = record_of(path) if named else None
        found = of_model(models.loaded(path))
        if record:
            return _called(found, record["provenance"], path.parent)
    elif saved_model or (path.suffix and path.suffix in RUNTIMES):
        found = _exported(path)
    else:
        kinds = ", ".join(sorted(filter(None, RUNTIMES)))
        raise InvalidArgument(
            f"Expected a .keras file, an exported file ({kinds}), the folder of a "
            f"SavedModel, or one that TrainResult.save wrote; received {path}."
        )
    return _named(found, path.parent / CLASSES) if named else found


def _check_card(path: Path) -> None:
    """Compare a file with the export that it lies in, if it lies in one.

    Raises:
        CorruptFile: it was changed.
    """
    if (path.parent / CARD).is_file():
        card = Card.read(path.parent)
        if path.name in card.digests:
            card.check(path)


def _exported(path: Path) -> Loaded:
    card = Card.read(path.parent)
    card.check(path)
    black = np.zeros((1, *card.size, 3), np.uint8)
    run, rows = opened(path, black)
    return Loaded(run, card.size, card.fixed, int(rows.shape[1]))


def of_model(model: Any) -> Loaded:
    """Return a Keras model as a classifier.

    Raises:
        InvalidArgument: it is no `keras.Model` from images to probabilities.
    """
    taken, given = (getattr(model, f"{end}_shape", None) for end in ("input", "output"))
    if not isinstance(model, keras.Model) or not _classifies(taken, given):
        hint = " Use result.model." if hasattr(model, "model") else ""
        raise InvalidArgument(
            "Expected a keras.Model from RGB images, shape (N, H, W, 3), H and W both "
            "known or both open, to probabilities, shape (N, C), C of 2 or more; "
            f"received {type(model).__name__} from {taken} to {given}.{hint}"
        )
    fast, (_, height, width, _) = models.folded(model), model.input_shape

    def run(batch: Images) -> Floats:
        # Keras leaves integers as they are, and convolutions do not take uint8.
        rows = fast.predict_on_batch(batch.astype(np.float32))
        return np.asarray(rows, np.float32)  # under a policy of fewer bits, too

    fixed = height is not None
    size = (height, width) if fixed else seen(model)
    return Loaded(run, size, fixed, int(model.output_shape[1]))


def _classifies(taken: Any, given: Any) -> bool:
    shapes = isinstance(taken, tuple) and isinstance(given, tuple)
    fits = shapes and len(taken) == 4 and taken[3] == 3 and len(given) == 2
    if not fits or (taken[1] is None) != (taken[2] is None):
        return False
    return bool((given[1] or 0) >= 2)


def _called(found: Loaded, provenance: Json, folder: Path) -> Loaded:
    """Return a classifier with the class names of the result that it lies in.

    Raises:
        CorruptFile: these are not names of its classes.
    """
    try:
        names = checked_names(provenance.get("class_names"), found.classes)
    except ValueError as error:
        raise CorruptFile(
            f"Expected {found.classes} different class names in {folder / RECORD}; "
            f"received others ({error}). It was changed after it was saved."
        ) from error
    return replace(found, class_names=names)


def _named(found: Loaded, path: Path) -> Loaded:
    """Return a classifier with the class names in a file, if there is one.

    Raises:
        CorruptFile: the file holds something else, or the names of other classes.
    """
    if not path.exists():
        return found
    _check_card(path)
    try:
        names = checked_names(small_json(path), found.classes)
    except (OSError, ValueError) as error:
        raise CorruptFile(
            f"Expected {found.classes} different class names, a JSON list, in {path}; "
            f"received another file ({error}). Give class_names=, or move it away."
        ) from error
    return replace(found, class_names=names)
