"""Logistic regression at its optimum, by L-BFGS, with its penalty chosen.

The loss of a linear classifier is convex, so that for each strength of the L2 penalty
there is one best, which no schedule can miss. The penalty is a factor of half the
squared kernel beside the mean loss of an image, so that it means the same for few
images as for many (as in Kornblith, Shlens and Le 2019).
"""

import logging
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cifarkit._types import Floats, Labels

PENALTIES = tuple(float(each) for each in np.logspace(0, -3, 7))
"""The penalties that are tried, from strong to weak."""

UNCHOSEN = 3e-2
"""The penalty where there are no validation images to choose it by."""

_FEW = 10_000  # images that the penalty is chosen on
_NARROW = 1e-3  # a feature's spread counts as at least this share of the widest one's
_TOLERANCE = 1e-4  # of the mean loss's gradient
MOST = 1000
"""The iterations after which L-BFGS stops."""

_log = logging.getLogger(__name__)

Weights: TypeAlias = tuple[NDArray[Any], NDArray[Any]]
"""Kernel, shape `(F, C)`, and bias, shape `(C,)`."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Features and what they should be told apart into.

    Args:
        features: float32, shape `(M, F)`.
        labels: int64, shape `(M,)`; every class occurs.
        weights: the weight of each sample's loss, float32, shape `(M,)`.
    """

    features: Floats
    labels: Labels
    weights: Floats

    def some(self, places: Labels) -> "Samples":
        """Return the samples at some places."""
        return Samples(*(each[places] for each in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Scaling:
    """Where features lie and how far they spread, float64, shape `(F,)`.

    Args:
        mean: the mean of each.
        spread: its standard deviation, or what stands for it where it hardly varies.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, features: Floats) -> "Scaling":
        """Return the scaling of features, shape `(M, F)`."""
        spread = features.std(axis=0, dtype=np.float64)
        least = _NARROW * float(spread.max()) or 1.0
        return cls(features.mean(axis=0, dtype=np.float64), np.maximum(spread, least))

    def apply(self, features: Floats) -> None:
        """Standardise features, in place."""
        features -= self.mean.astype(np.float32)
        features /= self.spread.astype(np.float32)

    def folded(self, kernel: NDArray[Any], bias: NDArray[Any]) -> Weights:
        """Return the weights that do to features what these do to standardised ones."""
        plain = kernel / self.spread[:, None]
        return plain.astype(np.float32), (bias - self.mean @ plain).astype(np.float32)


def best(train: Samples, validation: Samples | None, *, few: Labels) -> Weights:
    """Return the weights of the best linear classifier.

    The penalty has the best accuracy on the validation samples after a fit to a few; of
    equals it has the lowest loss. Then all samples are fitted. No chance is involved.

    Args:
        train: standardised samples to fit.
        validation: standardised samples to choose the penalty by, or None.
        few: places of the training samples on which it is chosen.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = LogisticRegression(tol=_TOLERANCE, max_iter=MOST, warm_start=True)
    penalty = UNCHOSEN
    # The products are as narrow as there are classes: threads share them badly, so that
    # two can be slower than one, and would let rounding depend on their number.
    with threadpool_limits(1, user_api="blas"):
        if validation is not None:
            chosen = _chosen(model, train.some(few), validation)
            penalty, model.coef_, model.intercept_ = chosen
        return fitted(model, train, penalty)


def few_of(labels: Labels) -> Labels:
    """Return the places of about 10,000 labels, of all where there are fewer.

    Every class is among them, as often as its share asks and at least once.
    """
    count = min(len(labels), _FEW)
    by_class = np.argsort(labels, kind="stable")
    even = by_class[np.arange(count) * len(labels) // count]
    _, first = np.unique(labels, return_index=True)
    return np.union1d(even, first)


def score(samples: Samples, weights: Weights) -> tuple[float, float]:
    """Return the mean cross-entropy, weighted, and the accuracy, on samples."""
    kernel, bias = weights
    logits = samples.features @ kernel + bias
    right = logits.argmax(axis=1) == samples.labels
    logits -= logits.max(axis=1, keepdims=True)
    own = logits[np.arange(len(logits)), samples.labels]
    losses = np.log(np.exp(logits).sum(axis=1)) - own
    return float(np.mean(losses * samples.weights)), float(np.mean(right))


def _chosen(model: Any, few: Samples, validation: Samples) -> tuple[float, Any, Any]:
    """Return the best penalty, and what was fitted under it; each fit starts there."""
    found = []
    for penalty in PENALTIES:
        loss, accuracy = score(validation, fitted(model, few, penalty))
        found.append((accuracy, -loss, penalty, model.coef_, model.intercept_))
    _, _, *chosen = max(found, key=lambda each: each[:2])
    return tuple(chosen)


def fitted(model: Any, samples: Samples, penalty: float) -> Weights:
    """Fit from where the model is.

    Args:
        model: a `LogisticRegression`, warm or new.
        samples: standardised.
        penalty: its strength.
    """
    from sklearn.exceptions import ConvergenceWarning

    classes = int(samples.labels.max()) + 1
    # Of two classes, one vector stands for two opposite halves of it, whose squares
    # sum to half of its own.
    halves = 2 if classes == 2 else 1
    model.set_params(C=halves / (penalty * float(samples.weights.sum())))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(samples.features, samples.labels, sample_weight=samples.weights)
    if model.n_iter_.max() >= MOST:
        _log.warning("L-BFGS stopped short of the optimum, after %d steps.", MOST)
    kernel, bias = model.coef_.T, model.intercept_
    if classes == 2:
        return np.hstack([-kernel, kernel]) / 2, np.concatenate([-bias, bias]) / 2
    return kernel, bias
