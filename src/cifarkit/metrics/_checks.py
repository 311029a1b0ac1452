"""What labels, probabilities and confusion matrices have to be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._numbers import is_whole
from cifarkit._types import Labels

TOLERANCE = 0.01
"""How far a row's sum may lie from 1: rounding in bfloat16 passes, logits do not."""


def checked_labels(labels: NDArray[Any], *, classes: int | None = None) -> Labels:
    """Return class numbers as int64, shape `(N,)`.

    Raises:
        InvalidData: they are not whole numbers in one row, or outside [0, classes).
    """
    values = np.asarray(labels)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise InvalidData(
            "Expected class numbers, integers of shape (N,); received "
            f"{values.dtype} of shape {values.shape}. {_label_hint(values)}"
        )
    if values.size == 0:
        raise InvalidData(
            "Expected at least one label; received none. Check how the data was chosen."
        )
    low, high = int(values.min()), int(values.max())
    if low < 0 or (classes is not None and high >= classes):
        limit = (
            "" if classes is None else f" and below {classes}, the number of classes"
        )
        raise InvalidData(
            f"Expected labels from 0{limit}; received labels from {low} to {high}. "
            "Number the classes from 0, or give the names of all classes."
        )
    return values.astype(np.int64)


def checked_probabilities(
    probabilities: NDArray[Any], *, first: int = 0
) -> NDArray[np.float64]:
    """Return probabilities as float64, shape `(N, C)`.

    Args:
        probabilities: of one image in each row.
        first: the number of the first row, for the text of an error.

    Raises:
        InvalidData: they have another shape or type, are not finite, or their rows are
            no probabilities.
    """
    values = np.asarray(probabilities)
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind != "f":
        raise InvalidData(
            "Expected probabilities, floats of shape (N, C); received "
            f"{values.dtype} of shape {values.shape}. "
            "Give one row for each image and one column for each class."
        )
    if not np.isfinite(values).all():
        row = first + int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise InvalidData(
            f"Expected finite probabilities; received NaN or infinity in row {row}. "
            "The model has diverged: train it again with a lower learning rate."
        )
    values = values.astype(np.float64)
    _check_rows(values, first)
    return values


def checked_pair(
    labels: NDArray[Any], probabilities: NDArray[Any]
) -> tuple[Labels, NDArray[np.float64]]:
    """Return labels and probabilities that belong together.

    Raises:
        InvalidData: either is bad, or they differ in length.
    """
    rows = checked_probabilities(probabilities)
    numbers = checked_labels(labels, classes=rows.shape[1])
    check_lengths(labels=len(numbers), probabilities=len(rows))
    return numbers, rows


def check_lengths(**lengths: int) -> None:
    """Refuse arrays of different lengths.

    Raises:
        InvalidData: not all lengths are the same.
    """
    if len(set(lengths.values())) > 1:
        received = " and ".join(f"{size} {name}" for name, size in lengths.items())
        raise InvalidData(
            f"Expected arrays of one length; received {received}. "
            "Take both from the same split, in the same order."
        )


def checked_matrix(
    matrix: NDArray[Any], names: Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Return a confusion matrix as int64, shape `(C, C)`.

    Raises:
        InvalidData: it is not a square of counts, or `names` do not fit it.
    """
    values = np.asarray(matrix)
    counts = np.issubdtype(values.dtype, np.integer)
    square = values.ndim == 2 and values.shape[0] == values.shape[1] > 0
    if not (counts and square) or values.min() < 0:
        raise InvalidData(
            "Expected a confusion matrix, counts of shape (C, C); received "
            f"{values.dtype} of shape {values.shape}. Use metrics.confusion()."
        )
    if names is not None and len(names) != len(values):
        raise InvalidData(
            f"Expected one name for each of {len(values)} classes; received "
            f"{len(names)} names. Give the names of all classes, in label order."
        )
    return values.astype(np.int64)


def checked_count(name: str, value: int, *, low: int, high: int | None = None) -> int:
    """Return a whole number of [low, high].

    Raises:
        InvalidArgument: it is another thing, or outside.
    """
    if not is_whole(value, least=low) or (high is not None and value > high):
        above = "" if high is None else f" to {high}"
        raise InvalidArgument(
            f"Expected {name} to be a whole number from {low}{above}; "
            f"received {value!r}. Choose one in that range."
        )
    return int(value)


def _label_hint(values: NDArray[Any]) -> str:
    if values.ndim == 2 and values.shape[1] == 1:
        return "Use labels[:, 0]."
    if values.ndim == 2:
        return "If they are one-hot, use labels.argmax(axis=1)."
    return "Number the classes from 0 and convert with .astype('int64')."


def _check_rows(values: NDArray[np.float64], first: int) -> None:
    sums = values.sum(axis=1)
    off = np.abs(sums - 1) > TOLERANCE
    if values.min() >= 0 and not off.any():
        return
    row = int(np.argmax(off | (values.min(axis=1) < 0)))
    raise InvalidData(
        "Expected rows of probabilities, in [0, 1] with sum 1; received values from "
        f"{values.min():.4g} to {values.max():.4g}, where row {first + row} has the "
        f"sum {sums[row]:.4g}. If these are logits, end the model with a softmax: "
        "keras.layers.Softmax()."
    )
