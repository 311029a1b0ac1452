"""A trained classifier as people use it.

Example:
    >>> from cifarkit.prediction import Predictor
    >>> predictor = Predictor("runs/mine")                       # doctest: +SKIP
    >>> predictor(open("cat.jpg", "rb").read()).name             # doctest: +SKIP
    'cat'
"""

from cifarkit.prediction._prediction import Prediction
from cifarkit.prediction._predictor import Predictor

__all__ = ["Prediction", "Predictor"]
