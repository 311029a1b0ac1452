"""Several models on the same images: which differences are more than chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit import metrics
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Labels
from cifarkit.metrics._checks import checked_pair

_LEVEL = 0.05


@final
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Accuracies with their intervals, and a paired test for each two models.

    Attributes:
        accuracy: of each model, with its 95 % interval: `(accuracy, low, high)`.
        paired: for each two models, McNemar's exact test, by their names.
    """

    accuracy: Mapping[str, tuple[float, float, float]]
    paired: Mapping[tuple[str, str], metrics.Paired]

    def __str__(self) -> str:
        lines = [
            f"{name}: {accuracy:.2%} ({low:.2%} to {high:.2%})"
            for name, (accuracy, low, high) in self.accuracy.items()
        ]
        for (first, second), test in self.paired.items():
            better = first if test.only_first > test.only_second else second
            counts = f"{test.only_first} : {test.only_second}, p = {test.p_value:.2g}"
            noise = "the difference is inside the noise"
            verdict = f"{better} is better" if test.p_value < _LEVEL else noise
            lines.append(f"{first} against {second}: {verdict} ({counts})")
        return "\n".join(lines)


def compare(labels: Labels, probabilities: Mapping[str, NDArray[Any]]) -> Comparison:
    """Compare models on the same images.

    Two models that see the same images are compared by those alone on which one is
    right and the other is not, which tells much smaller differences apart than their
    two intervals do. With many models some p-values are small by chance.

    Args:
        labels: true class numbers, int64, shape `(N,)`.
        probabilities: of each model, floats, shape `(N, C)`, by its name; see
            `evaluation.probabilities`.

    Raises:
        InvalidArgument: there are fewer than two models.
        InvalidData: labels and probabilities do not belong together.

    Example:
        >>> labels = np.array([0, 1, 1, 0])
        >>> sure = np.eye(2)[labels]
        >>> print(compare(labels, {"one": sure, "other": sure}))
        one: 100.00% (51.01% to 100.00%)
        other: 100.00% (51.01% to 100.00%)
        one against other: the difference is inside the noise (0 : 0, p = 1)
    """
    if len(probabilities) < 2:
        raise InvalidArgument(
            f"Expected two models or more to compare; received {list(probabilities)}."
        )
    guesses = {
        name: _guessed(name, labels, each) for name, each in probabilities.items()
    }
    pairs = combinations(guesses.items(), 2)
    return Comparison(
        accuracy={name: _scored(labels, each) for name, each in guesses.items()},
        paired={
            (first, second): metrics.mcnemar(labels, one, other)
            for (first, one), (second, other) in pairs
        },
    )


def _guessed(name: str, labels: Labels, rows: NDArray[Any]) -> NDArray[np.intp]:
    try:
        _, checked = checked_pair(labels, rows)
    except InvalidData as error:
        raise InvalidData(f"{name}: {error}") from error
    guess: NDArray[np.intp] = checked.argmax(axis=1)
    return guess


def _scored(labels: Labels, guess: NDArray[np.intp]) -> tuple[float, float, float]:
    share = metrics.accuracy(labels, guess)
    hits = round(share * len(labels))
    return share, *metrics.wilson_interval(hits, len(labels))
