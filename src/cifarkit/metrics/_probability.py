"""How good the probabilities are, beyond which of them is the largest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._types import Labels
from cifarkit.metrics._checks import checked_count, checked_pair

_SMALLEST = 1e-7


def cross_entropy(labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Return the mean negative log probability of the true class, in nats.

    It is the data term of a training loss: no penalty, no label smoothing. A
    probability below 1e-7 (the epsilon of Keras) counts as 1e-7, so that one sure
    mistake costs 16.1 and not infinity.

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        probabilities: floats, shape `(N, C)`, rows that sum to 1.

    Returns:
        A loss in [0, 16.12]; guessing evenly costs `log(C)`.

    Raises:
        InvalidData: the arrays are bad or do not belong together.

    Example:
        >>> round(cross_entropy(np.array([0]), np.array([[0.5, 0.5]])), 4)
        0.6931
    """
    true, rows = checked_pair(labels, probabilities)
    own = rows[np.arange(len(true)), true]
    return float(np.log(1 / own.clip(_SMALLEST, 1)).mean())


def calibration_error(
    labels: NDArray[Any], probabilities: NDArray[Any], *, bins: int = 15
) -> float:
    """Return the expected calibration error of the most probable class.

    The images are sorted into equal-width bins of confidence, each closed at its upper
    end; the error is the gap between accuracy and mean confidence of a bin, averaged
    over the images.

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        probabilities: floats, shape `(N, C)`, rows that sum to 1.
        bins: number of bins over [0, 1], at least 1.

    Returns:
        An error in [0, 1]; 0 when every confidence is kept.

    Raises:
        InvalidArgument: `bins` is below 1.
        InvalidData: the arrays are bad or do not belong together.

    Source:
        Guo et al., "On calibration of modern neural networks", ICML 2017.

    Example:
        >>> certain = np.array([[1.0, 0.0], [1.0, 0.0]])
        >>> calibration_error(np.array([0, 1]), certain)
        0.5
    """
    true, rows = checked_pair(labels, probabilities)
    bins = checked_count("bins", bins, low=1)
    confidence, place = binned(rows, bins)
    gap = (rows.argmax(axis=1) == true) - confidence
    total = np.bincount(place, weights=gap, minlength=bins)
    return float(np.abs(total).sum() / len(true))


def binned(
    rows: NDArray[np.floating[Any]], bins: int
) -> tuple[NDArray[np.floating[Any]], Labels]:
    """Return the confidence of each image, and the number of the bin that it is in.

    Args:
        rows: probabilities, shape `(N, C)`.
        bins: of equal width over [0, 1], each closed at its upper end.
    """
    confidence = rows.max(axis=1).clip(max=1)  # rounding may leave it above
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return confidence, np.searchsorted(edges, confidence, side="left")
