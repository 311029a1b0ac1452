"""Exported files, compared with the model that they come from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cifarkit._errors import ExportError, MissingExtra
from cifarkit._types import Floats, Images
from cifarkit.prediction import Predictor

TOLERANCE = 1e-4
"""The largest difference of a probability that float32 explains."""

_MARGIN = 1e-3


def compared(predictor: Predictor, paths: Mapping[str, Path]) -> dict[str, float]:
    """Return how far each file's probabilities are from the model's, at most.

    Args:
        predictor: of the model.
        paths: the file of each format; "litert_int8" is measured alone.

    Raises:
        ExportError: a file does not run, or gives other answers.
    """
    images, found = golden(predictor.size), dict[str, float]()
    wanted = answers(predictor, images)
    for name, path in paths.items():
        rows = _run(name, path, images)
        found[name] = difference(wanted, rows)
        if name != "litert_int8":
            check(name, wanted, rows)
    return found


def _run(name: str, path: Path, images: Sequence[Images]) -> Floats:
    """Return what an exported file says of images.

    Raises:
        ExportError: it does not run.
    """
    try:
        return answers(Predictor(path), images)
    except MissingExtra:
        raise
    except Exception as error:  # each runtime raises types of its own
        raise ExportError(
            f"Expected {name} to run where its converter wrote it; it does not "
            f"({type(error).__name__}: {error!s:.300}). Nothing was written. Leave the "
            "format out, or replace the layer it names."
        ) from error


def golden(size: tuple[int, int]) -> list[Images]:
    """Return images of several sizes that are always the same: smooth, and noise.

    Smooth pictures are like those that people send; noise shows another resize.

    Args:
        size: at which the network sees images; three of the five sizes are smaller,
            so that they are enlarged.
    """
    draw = np.random.default_rng(0)
    height, width = size
    small = [(1, 1), (1 + height // 5, 1 + width // 3), (1 + height // 2, width)]
    shapes = [*small, size, (height + 7, 2 * width)]
    return [make(draw, *shape) for shape in shapes for make in (_smooth, _noise)]


def difference(wanted: Floats, found: Floats) -> float:
    """Return the largest difference of a probability."""
    return float(np.abs(wanted - found).max())


def check(name: str, wanted: Floats, found: Floats) -> None:
    """Refuse an exported file that gives other answers.

    Raises:
        ExportError: probabilities differ by more than 1e-4, or the most probable class
            differs where its margin is above 1e-3.
    """
    ranked = np.sort(wanted, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > _MARGIN
    other = (wanted.argmax(axis=1) != found.argmax(axis=1)) & clear
    if difference(wanted, found) > TOLERANCE or other.any():
        raise ExportError(
            f"Expected {name} to give the model's probabilities within {TOLERANCE}; "
            f"received a difference of {difference(wanted, found):.2g} and "
            f"{int(other.sum())} other classes of {len(wanted)}. Nothing was written; "
            "verify=False writes it all the same."
        )


def answers(predictor: Predictor, images: Sequence[Images]) -> Floats:
    """Return the probabilities of images, as they are if the model takes any size."""
    if predictor.fixed:
        images = [predictor.prepared(image) for image in images]
    return predictor.probabilities(images)


def _smooth(draw: np.random.Generator, height: int, width: int) -> Images:
    coarse = draw.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height)))


def _noise(draw: np.random.Generator, height: int, width: int) -> Images:
    return draw.integers(0, 256, (height, width, 3)).astype(np.uint8)
