"""What a model does on images that it has not seen.

Example:
    >>> from cifarkit import datasets, evaluate
    >>> evaluation = evaluate(model, datasets.cifar10(size=160).test)  # doctest: +SKIP
    >>> print(evaluation)                                              # doctest: +SKIP
"""

from cifarkit.evaluation._evaluate import LabelledImages, evaluate
from cifarkit.evaluation._evaluation import Evaluation
from cifarkit.evaluation._mistake import Mistake
from cifarkit.evaluation._predict import probabilities

__all__ = ["Evaluation", "LabelledImages", "Mistake", "evaluate", "probabilities"]
