"""Shares of right answers, and how sure a share is."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit.metrics._checks import (
    check_lengths,
    checked_count,
    checked_labels,
    checked_pair,
)

_Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def accuracy(labels: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the share of predicted classes that are right.

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        predicted: predicted class numbers, integers, shape `(N,)`.

    Returns:
        A share in [0, 1].

    Raises:
        InvalidData: an array is empty or no row of class numbers, or lengths differ.

    Example:
        >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]))
        0.75
    """
    true, guess = checked_labels(labels), checked_labels(predicted)
    check_lengths(labels=len(true), predictions=len(guess))
    return float((true == guess).mean())


def top_k(labels: NDArray[Any], probabilities: NDArray[Any], *, k: int) -> float:
    """Return the share of images whose true class is among the `k` most probable.

    Of equally probable classes the one with the lower number comes first, as in
    `argmax`, so that `k=1` is the accuracy.

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        probabilities: floats, shape `(N, C)`, rows that sum to 1.
        k: from 1 to C; at C the share is 1.

    Returns:
        A share in [0, 1], never smaller for a larger `k`.

    Raises:
        InvalidArgument: `k` is outside [1, C].
        InvalidData: the arrays are bad or do not belong together.

    Example:
        >>> top_k(np.array([2]), np.array([[0.5, 0.2, 0.3]]), k=2)
        1.0
    """
    true, rows = checked_pair(labels, probabilities)
    k = checked_count("k", k, low=1, high=rows.shape[1])
    own = rows[np.arange(len(true)), true][:, None]
    earlier = np.arange(rows.shape[1]) < true[:, None]
    rank = ((rows > own) | ((rows == own) & earlier)).sum(axis=1)
    return float((rank < k).mean())


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share.

    Unlike the textbook interval it stays in [0, 1] and holds for shares near the ends
    and for few trials. It covers the chance of the test images, not that of training.

    Args:
        successes: right answers, from 0 to `trials`.
        trials: all answers, at least 1.

    Returns:
        The lower and the upper limit, in [0, 1], around `successes / trials`.

    Raises:
        InvalidArgument: a count is outside its range.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference",
        Journal of the American Statistical Association 22 (1927).

    Example:
        >>> low, high = wilson_interval(9024, 10_000)
        >>> round(low, 4), round(high, 4)
        (0.8964, 0.9081)
    """
    trials = checked_count("trials", trials, low=1)
    successes = checked_count("successes", successes, low=0, high=trials)
    share, weight = successes / trials, _Z**2 / trials
    centre = (share + weight / 2) / (1 + weight)
    half = _Z * math.sqrt((share * (1 - share) + weight / 4) / trials) / (1 + weight)
    # At the ends a limit is the share itself, which rounding would miss.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
