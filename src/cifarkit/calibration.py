"""Probabilities that mean what they say: one temperature, fitted on validation images.

Source: Guo et al., "On calibration of modern neural networks", ICML 2017.

Example:
    >>> rows = probabilities(result.model, data.validation.images)   # doctest: +SKIP
    >>> found = temperature(data.validation.labels, rows)            # doctest: +SKIP
    >>> calibrated = scaled(result.model, found)                     # doctest: +SKIP
    >>> calibrated.save("calibrated.keras")                          # doctest: +SKIP
"""

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from cifarkit import metrics, models
from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_number
from cifarkit._types import Layer, Model
from cifarkit.metrics._checks import checked_probabilities

__all__ = ["rescaled", "scaled", "temperature"]

_RANGE = (0.05, 20.0)
_SMALLEST = float(np.finfo(np.float32).tiny)  # probabilities are float32


def temperature(labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Return what the logits must be divided by for the least cross-entropy.

    Args:
        labels: true class numbers of images that the model did not learn from,
            integers, shape `(N,)`.
        probabilities: what the model gives for them, floats, shape `(N, C)`.

    Returns:
        A temperature from 0.05 to 20: above 1 where the model is too sure. The most
        probable class of an image stays the same. Where each image is right already
        no temperature is small enough, and where the model knows nothing none is large
        enough: the last one is returned, with a warning.

    Raises:
        InvalidData: the arrays are bad or do not belong together.

    Example:
        >>> sure = np.array([[0.99, 0.01]] * 4)
        >>> round(temperature(np.array([0, 0, 0, 1]), sure), 2)
        4.18
    """
    metrics.cross_entropy(labels, probabilities)  # refuses what does not fit
    rows, logits = np.arange(len(labels)), _logits(probabilities)

    def loss(exponent: float) -> float:
        scores = log_softmax(logits / np.exp(exponent), axis=1)
        return -float(scores[rows, labels].mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    best = float(np.exp(found.x))
    (low, high), right = _RANGE, logits.argmax(axis=1) == labels
    if right.all() or not 1.01 * low < best < high / 1.01:
        warnings.warn(
            f"No temperature from {low:g} to {high:g} fits these "
            f"{len(labels):,} images: all of them are classified rightly, or no better "
            "than by chance. Give more images, or another model.",
            stacklevel=2,
        )
    return best


def rescaled(probabilities: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return what probabilities become when the logits are divided by a temperature.

    Args:
        probabilities: floats, shape `(N, C)`.
        temperature: from `temperature`; above 0.

    Returns:
        Probabilities, float64, shape `(N, C)`. What was 0 counts as the smallest
        positive float32, as in `temperature`.

    Raises:
        InvalidArgument: `temperature` is not a number above 0.
        InvalidData: the array is bad.

    Example:
        >>> rescaled(np.array([[0.9, 0.1]]), 2.0).round(2)
        array([[0.75, 0.25]])
    """
    require_number("temperature", temperature, above=0.0)
    found: NDArray[np.float64] = softmax(_logits(probabilities) / temperature, axis=1)
    return found


def scaled(model: Model, temperature: float) -> Model:
    """Return a model of the same layers whose logits are divided by a temperature.

    The weights of the last dense layer are divided, so that the model has not one layer
    more: it is saved, exported and served as before.

    Args:
        model: a functional or sequential `keras.Model` that ends in a dense layer and a
            softmax; it stays as it is.
        temperature: from `temperature`; above 0.

    Raises:
        InvalidArgument: the model ends in something else, or `temperature` is not a
            number above 0.
    """
    require_number("temperature", temperature, above=0.0)
    if not models.is_graph(model):
        raise InvalidArgument(
            "Expected a functional or sequential keras.Model; received "
            f"{type(model).__name__}. Use result.model."
        )
    copy = models.copy_of(model)
    last = _last_dense(copy)
    last.set_weights([weight / temperature for weight in last.get_weights()])
    return copy


def _logits(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    rows = checked_probabilities(probabilities)
    found: NDArray[np.float64] = np.log(np.clip(rows, _SMALLEST, 1.0))
    return found


def _last_dense(model: Model) -> Layer:
    """Return the layer that gives the logits.

    Raises:
        InvalidArgument: between it and the output is more than scaling and softmax.
    """
    softened = False
    for layer in reversed(list(_leaves(model))):
        kind = type(layer)
        if kind is keras.layers.Dense:
            softens = layer.activation is keras.activations.softmax
            linear = layer.activation is keras.activations.linear
            if softens != softened and (softens or linear):
                return layer
            break
        if kind is keras.layers.Softmax or _is_softmax(layer):
            softened = True
        elif not (kind is keras.layers.Rescaling and np.all(np.equal(layer.offset, 0))):
            break
    raise InvalidArgument(
        "Expected a model that ends in a dense layer and a softmax; received "
        f"{model.name!r}, which ends otherwise. Give it such an end."
    )


def _is_softmax(layer: Layer) -> bool:
    plain = type(layer) is keras.layers.Activation
    return plain and layer.activation is keras.activations.softmax


def _leaves(model: Model) -> Iterator[Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer
