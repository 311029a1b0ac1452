"""Models from files, and what lies beside them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cifarkit import models
from cifarkit._errors import CorruptFile, InvalidArgument
from cifarkit._types import Floats, Images, Model
from cifarkit.prediction._card import CARD, CLASSES, Card, small_json
from cifarkit.prediction._runtimes import RUNTIMES, Run, opened
from cifarkit.training import TrainResult
from cifarkit.training._saving import MODEL, RECORD


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
    in_result = named and path.name == MODEL and os.path.isfile(path.parent / RECORD)
    if in_result or (os.path.isdir(path) and not saved_model):
        result = TrainResult.load(path.parent if in_result else path)
        return of_model(result.model, tuple(result.provenance["class_names"]))
    if path.suffix == ".keras":
        _check_card(path)
        found = of_model(models.loaded(path))
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
    run = opened(path)
    black = np.zeros((1, *card.size, 3), np.uint8)
    return Loaded(run, card.size, card.fixed, int(run(black).shape[1]))


def of_model(model: Any, class_names: tuple[str, ...] | None = None) -> Loaded:
    """Return a Keras model as a classifier.

    Raises:
        InvalidArgument: it is no `keras.Model` from images to probabilities.
    """
    taken, given = (getattr(model, f"{end}_shape", None) for end in ("input", "output"))
    if not isinstance(model, keras.Model) or not _classifies(taken, given):
        raise InvalidArgument(
            "Expected a keras.Model from RGB images, shape (N, H, W, 3), to "
            "probabilities, shape (N, C), C of 2 or more; received "
            f"{type(model).__name__} from {taken} to {given}."
        )
    fast, (_, height, width, _) = models.folded(model), model.input_shape

    def run(batch: Images) -> Floats:
        # Keras leaves integers as they are, and convolutions do not take uint8.
        return np.asarray(fast.predict_on_batch(batch.astype(np.float32)))

    fixed = height is not None and width is not None
    size = (height, width) if fixed else _seen(model)
    return Loaded(run, size, fixed, int(model.output_shape[1]), class_names)


def _classifies(taken: Any, given: Any) -> bool:
    shapes = isinstance(taken, tuple) and isinstance(given, tuple)
    fits = shapes and len(taken) == 4 and taken[3] == 3 and len(given) == 2
    return bool(fits and (given[1] or 0) >= 2)


def _seen(model: Model) -> tuple[int, int]:
    """Return the size to which a model that takes any size resizes."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Resizing):
            _check_resizing(layer)
            return int(layer.height), int(layer.width)
    raise InvalidArgument(
        f"Expected a model of one input size, or one that resizes inside; received "
        f"{model.name!r}, which takes any size. Put a keras.layers.Resizing before it."
    )


def _check_resizing(layer: Any) -> None:
    """Refuse a resize that must see the whole image: it is shrunk before, to save work.

    Raises:
        InvalidArgument: it crops or pads.
    """
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
        raise InvalidArgument(
            f"Expected a resize inside of the model that keeps all of the image; "
            f"received {layer.name!r}, which crops or pads. Crop before you ask, and "
            "give a model of one input size, or a plain Resizing."
        )


def _named(found: Loaded, path: Path) -> Loaded:
    """Return a classifier with the class names in a file, if there is one.

    Raises:
        CorruptFile: the file holds something else, or the names of other classes.
    """
    if not path.exists():
        return found
    _check_card(path)
    try:
        names = small_json(path)
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise ValueError("it is no list of names")
        if len(set(names)) != len(names) or len(names) != found.classes:
            raise ValueError(f"it has {len(set(names))} different ones")
    except (OSError, ValueError) as error:
        raise CorruptFile(
            f"Expected {found.classes} different class names, a JSON list, in {path}; "
            f"received another file ({error}). Give class_names=, or move it away."
        ) from error
    return replace(found, class_names=tuple(names))
