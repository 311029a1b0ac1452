"""Which class is taken for which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit.metrics._checks import (
    check_lengths,
    checked_count,
    checked_labels,
    checked_matrix,
)


@final
@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """Two classes that are taken for each other.

    Attributes:
        first: the class with the lower number.
        second: the other class.
        count: images of one that were called the other, both directions together.
    """

    first: str
    second: str
    count: int


def confusion(
    labels: NDArray[Any], predicted: NDArray[Any], *, classes: int
) -> NDArray[np.int64]:
    """Count the images by true and by predicted class.

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        predicted: predicted class numbers, integers, shape `(N,)`.
        classes: number of classes C; classes without images keep their row and column.

    Returns:
        Counts, int64, shape `(C, C)`: rows are true classes, columns predicted ones.

    Raises:
        InvalidArgument: `classes` is below 1.
        InvalidData: class numbers are outside [0, C), or the lengths differ.

    Example:
        >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=2)
        array([[1, 0],
               [1, 1]])
    """
    classes = checked_count("classes", classes, low=1)
    true = checked_labels(labels, classes=classes)
    guess = checked_labels(predicted, classes=classes)
    check_lengths(labels=len(true), predictions=len(guess))
    cells = np.bincount(true * classes + guess, minlength=classes**2)
    return cells.reshape(classes, classes).astype(np.int64)


def confused_pairs(
    matrix: NDArray[Any], names: Sequence[str]
) -> tuple[ConfusedPair, ...]:
    """Return the pairs of classes that are taken for each other, the worst first.

    Args:
        matrix: a confusion matrix, counts, shape `(C, C)`.
        names: C class names, in label order.

    Returns:
        Every pair with at least one mistake; equal counts in label order.

    Raises:
        InvalidData: the matrix is not square or not of counts, or names do not fit.

    Example:
        >>> confused_pairs(np.array([[3, 1], [2, 4]]), ["cat", "dog"])
        (ConfusedPair(first='cat', second='dog', count=3),)
    """
    counts = checked_matrix(matrix, names)
    first, second = np.triu_indices(len(counts), k=1)
    both = (counts + counts.T)[first, second]
    order = np.argsort(-both, kind="stable")
    return tuple(
        ConfusedPair(first=names[i], second=names[j], count=int(count))
        for i, j, count in zip(first[order], second[order], both[order], strict=True)
        if count > 0
    )
