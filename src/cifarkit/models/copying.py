"""Copies of models that answer as the original does."""

from collections.abc import Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from cifarkit._types import Layer, Model
from cifarkit.models.graphs import is_graph, uncompiled
from cifarkit.models.resizing import for_xla

UNWRITABLE = (NotImplementedError, TypeError, ValueError)
"""What Keras raises for a layer whose settings it cannot write down, or read back."""


def copy_of(model: Model, weights: Sequence[NDArray[Any]] | None = None) -> Model:
    """Return a model of the same layers that shares nothing with the original.

    Args:
        model: a functional or sequential `keras.Model`.
        weights: what the copy's weights are, in the order of the model's; None for the
            weights of the model.

    Raises:
        NotImplementedError, TypeError, ValueError: `UNWRITABLE`, of a layer that cannot
            be made again.
    """
    given = uncompiled(model) if is_graph(model) else model
    copy = keras.models.clone_model(given)
    copy.set_weights(model.get_weights() if weights is None else list(weights))
    settle(copy)
    return for_xla(copy)


def settle(layer: Layer) -> None:
    """Let `Normalization` layers compute what they divide by from their weights.

    Keras does so when it loads a file, but not when weights are set.
    """
    for inner in getattr(layer, "layers", ()):
        settle(inner)
    if isinstance(layer, keras.layers.Normalization):
        layer.finalize_state()
