"""Frozen features for scikit-learn: images in, arrays out, each image computed once.

A search over folds hands an estimator the same images again and again, each time in
another selection. So features are known by the image that they belong to, and clones of
one transformer share them: whatever the folds and the settings of the head, the frozen
part runs once for each distinct image of the arrays that were asked for last.
"""

from cifarkit.estimator._classifier import classifier
from cifarkit.estimator._features import Features

__all__ = ["Features", "classifier"]
