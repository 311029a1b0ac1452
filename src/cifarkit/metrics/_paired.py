"""Whether two classifiers differ by more than chance, on the same images."""

from dataclasses import dataclass
from typing import Any, final

from numpy.typing import NDArray
from scipy.stats import binomtest

from cifarkit.metrics._checks import check_lengths, checked_labels


@final
@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two classifiers on the same images.

    Attributes:
        only_first: images that the first alone gets right.
        only_second: images that the second alone gets right.
        p_value: how likely so uneven a pair of counts is, or a more uneven one, if the
            two are equally good; in [0, 1].
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(labels: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> Paired:
    """Test whether two classifiers are equally often right, exactly (McNemar 1947).

    Only the images count on which one is right and the other is not: under equal
    chances they are flips of a fair coin.

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        first: class numbers that the first predicts, shape `(N,)`.
        second: class numbers that the second predicts, shape `(N,)`.

    Raises:
        InvalidData: the arrays are no class numbers, or their lengths differ.

    Example:
        >>> labels = np.array([0, 1, 1])
        >>> paired = mcnemar(labels, np.array([0, 1, 1]), np.array([0, 0, 1]))
        >>> paired.only_first, paired.only_second, paired.p_value
        (1, 0, 1.0)
    """
    true, one, other = (
        checked_labels(each, classes=None) for each in (labels, first, second)
    )
    check_lengths(labels=len(true), first=len(one), second=len(other))
    right, also = one == true, other == true
    only_first = int((right & ~also).sum())
    only_second = int((also & ~right).sum())
    both = only_first + only_second
    p_value = float(binomtest(only_first, both).pvalue) if both else 1.0
    return Paired(only_first=only_first, only_second=only_second, p_value=p_value)
