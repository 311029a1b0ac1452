"""How well each class is recognised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from cifarkit.metrics._checks import checked_matrix


@final
@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How well one class is recognised.

    Attributes:
        name: the class.
        precision: share of the images called `name` that are of it, in [0, 1].
        recall: share of the images of `name` that are called it, in [0, 1].
        f1: harmonic mean of precision and recall, in [0, 1].
        support: number of images of `name`.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def per_class(matrix: NDArray[Any], names: Sequence[str]) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 of each class, by scikit-learn.

    A share of nothing is 0: the precision of a class that was never predicted, the
    recall of a class without images.

    Args:
        matrix: a confusion matrix, counts, shape `(C, C)`.
        names: C class names, in label order.

    Raises:
        InvalidData: the matrix is not square or not of counts, or names do not fit.

    Example:
        >>> cat, dog = per_class(np.array([[3, 1], [0, 4]]), ["cat", "dog"])
        >>> cat.precision, cat.recall, dog.support
        (1.0, 0.75, 4)
    """
    counts = checked_matrix(matrix, names)
    true, guess = np.indices(counts.shape)
    # A cell is one sample with a weight: the same scores from C * C rows, not from N.
    columns = precision_recall_fscore_support(
        true.ravel(),
        guess.ravel(),
        labels=range(len(counts)),
        sample_weight=counts.ravel(),
        zero_division=0.0,
    )
    return tuple(
        ClassScore(
            name=name,
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
            support=int(support),
        )
        for name, precision, recall, f1, support in zip(names, *columns, strict=True)
    )
