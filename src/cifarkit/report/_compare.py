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

    Printed, it judges by the p-values that are `corrected` for their number.

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
        for (first, second), likely in self.corrected.items():
            test = self.paired[first, second]
            better = first if test.only_first > test.only_second else second
            counts = f"{test.only_first} : {test.only_second}, p = {likely:.2g}"
            noise = "the difference is inside the noise"
            verdict = f"{better} is better" if likely < _LEVEL else noise
            lines.append(f"{first} against {second}: {verdict} ({counts})")
        return "\n".join(lines)

    @property
    def corrected(self) -> dict[tuple[str, str], float]:
        """The p-values, corrected for how many there are (Holm 1979).

        Of many pairs of equal models some differ by chance; of all that are called
        different here, one is so in at most one of twenty comparisons.
        """
        ranked = sorted(self.paired.items(), key=lambda pair: pair[1].p_value)
        found, least = dict[tuple[str, str], float](), 0.0
        for left, (pair, test) in zip(range(len(ranked), 0, -1), ranked, strict=True):
            least = max(least, min(1.0, left * test.p_value))
            found[pair] = least
        return {pair: found[pair] for pair in self.paired}


def compare(labels: Labels, probabilities: Mapping[str, NDArray[Any]]) -> Comparison:
    """Compare models on the same images.

    Two models that see the same images are compared by those alone on which one is
    right and the other is not, which tells much smaller differences apart than their
    two intervals do.

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
