"""The linear probe: all of it is made on some images, and it is scored on others.

The strength of its penalty is what has the lowest loss on a fifth of the training
images, which are not fitted meanwhile; where classes are too small to spare a tenth, it
is not chosen. Loss tells penalties apart where accuracy, on so few images, would leave
it to chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cifarkit import metrics
from cifarkit._types import Floats, Labels
from cifarkit.training._logistic import (
    MOST,
    PENALTIES,
    UNCHOSEN,
    Samples,
    Scaling,
    fitted,
)

_FIFTH = 5
_LEAST = 0.1  # share of the images that a penalty is chosen on


@dataclass(frozen=True)
class Score:
    """How well a linear classifier does on images that it was not fitted to.

    Args:
        loss: mean cross-entropy, in nats.
        right: how many of their classes it predicts.
    """

    loss: float
    right: int


def scored(train: Floats, labels: Labels, others: Floats, truth: Labels) -> Score:
    """Fit a linear classifier to some features, and score it on others.

    Args:
        train: float32, shape `(N, F)`; standardised in place.
        labels: their classes, shape `(N,)`; every class occurs.
        others: float32, shape `(M, F)`; standardised in place.
        truth: their classes, shape `(M,)`.
    """
    scaling = Scaling.of(train)
    for features in (train, others):
        scaling.apply(features)
    head = LogisticRegression(warm_start=True, max_iter=MOST)
    with threadpool_limits(1, user_api="blas"):
        _fit(head, train, labels, _penalty(head, train, labels))
        shares = head.predict_proba(others)
    right = int((shares.argmax(axis=1) == truth).sum())
    return Score(metrics.cross_entropy(truth, shares), right)


def held_out(labels: Labels) -> NDArray[np.bool_]:
    """Return which images the penalty is chosen on: every fifth of each class.

    The first of a class never is one, so that a class that is held out is fitted too.
    """
    held = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        held[np.flatnonzero(labels == label)[_FIFTH - 1 :: _FIFTH]] = True
    return held


def _penalty(head: LogisticRegression, features: Floats, labels: Labels) -> float:
    """Return the best penalty; each fit begins where the one before it ended."""
    held = held_out(labels)
    if held.mean() < _LEAST:
        return UNCHOSEN
    few, others = features[~held], features[held]
    losses = {}
    for penalty in PENALTIES:
        _fit(head, few, labels[~held], penalty)
        shares = head.predict_proba(others)
        losses[penalty] = metrics.cross_entropy(labels[held], shares)
    return min(losses, key=lambda penalty: losses[penalty])


def _fit(
    head: LogisticRegression, features: Floats, labels: Labels, penalty: float
) -> None:
    fitted(head, Samples(features, labels, np.ones(len(labels), np.float32)), penalty)
