"""Copies of models that answer as the original does."""

from collections.abc import Sequence
from types import FunctionType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument
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
        InvalidArgument: a layer cannot be made again.
    """
    if name := namesake(model):
        raise InvalidArgument(
            f"Expected a layer {name!r} that can be copied; received one whose "
            "activation has the name of one of Keras' own, which the copy would have "
            "instead. Give the function another name, and register it with Keras."
        )
    given = uncompiled(model) if is_graph(model) else model
    try:
        copy = keras.models.clone_model(given)
    except UNWRITABLE as error:
        raise InvalidArgument(
            f"Expected a model that keras.models.clone_model can copy; received "
            f"{model.name!r} ({error!s:.300}). Give its layers a get_config."
        ) from error
    copy.set_weights(model.get_weights() if weights is None else list(weights))
    settle(copy)
    return for_xla(copy)


def namesake(model: Model) -> str:
    """Return the name of a layer that Keras would write down as another; "" if none is.

    It writes a function of the user's own by its name alone where it has one of that
    name itself, and reads back its own.
    """
    for layer in model._flatten_layers():
        for kind in ("activation", "recurrent_activation"):
            own = getattr(layer, kind, None)
            if isinstance(own, FunctionType) and not _is_read_back(own):
                return str(layer.name)
    return ""


def _is_read_back(own: FunctionType) -> bool:
    """Whether Keras has no other function of that name, or one that does the same."""
    known = getattr(keras.activations, own.__name__, own)
    if known is own:
        return True
    if not own.__module__.startswith("tensorflow."):
        return False
    given = np.linspace(-4, 4, 17, dtype="float32")[None]
    ours, theirs = (keras.ops.convert_to_numpy(each(given)) for each in (own, known))
    return np.allclose(ours, theirs, atol=1e-5)


def settle(layer: Layer) -> None:
    """Let `Normalization` layers compute what they divide by from their weights.

    Keras does so when it loads a file, but not when weights are set.
    """
    for each in layer._flatten_layers():
        if isinstance(each, keras.layers.Normalization):
            each.finalize_state()
