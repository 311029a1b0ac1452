"""Figures of merit of a classifier, from labels and probabilities alone.

Everything here is a pure function of NumPy arrays: no model, no image, no state.
Labels are class numbers, shape `(N,)`; probabilities are floats, shape `(N, C)`, whose
rows sum to 1. Bad input gets one `InvalidData` that says what to do.

Example:
    >>> import numpy as np
    >>> from cifarkit import metrics
    >>> labels = np.array([0, 1, 1])
    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> metrics.confusion(labels, probabilities.argmax(axis=1), classes=2)
    array([[1, 0],
           [1, 1]])
    >>> round(metrics.cross_entropy(labels, probabilities), 4)
    0.5108
"""

from cifarkit.metrics._confusion import ConfusedPair, confused_pairs, confusion
from cifarkit.metrics._paired import Paired, mcnemar
from cifarkit.metrics._per_class import ClassScore, per_class
from cifarkit.metrics._probability import calibration_error, cross_entropy
from cifarkit.metrics._share import accuracy, top_k, wilson_interval

__all__ = [
    "ClassScore",
    "ConfusedPair",
    "Paired",
    "accuracy",
    "calibration_error",
    "confused_pairs",
    "confusion",
    "cross_entropy",
    "mcnemar",
    "per_class",
    "top_k",
    "wilson_interval",
]
