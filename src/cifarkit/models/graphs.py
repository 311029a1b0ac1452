"""The calls of which a functional or sequential model is made.

A layer may be called in several models, so that `layer.output` need not be what it
gives in this one. The calls of a model say what happens in it, and operations without
layers are among them.
"""

from collections.abc import Callable
from typing import Any

import keras

from cifarkit._types import Layer, Model

_PLAIN = ("Functional", "Sequential")


def is_graph(model: Any) -> bool:
    """Whether a model does what its graph says, and nothing besides.

    A subclass with a `call` of its own may do anything, even one that is given inputs
    and outputs.
    """
    kind: Any = type(model)
    plain: list[Any] = [
        each
        for each in kind.__mro__
        if each.__name__ in _PLAIN and each.__module__.startswith("keras.")
    ]
    known = bool(plain) and kind.call is plain[0].call
    return known and isinstance(model, keras.Model) and _graph(model) is not None


def calls(model: Model) -> list[Any]:
    """Return the calls in a graph, from its outputs to its inputs.

    Each has `operation`, `input_tensors`, `output_tensors` and `arguments`.

    Args:
        model: one that `is_graph`.
    """
    levels = _graph(model)._nodes_by_depth
    return [
        node for depth in sorted(levels) for node in levels[depth] if not node.is_input
    ]


def rebuilt(model: Model, replace: Callable[[Any], Any]) -> Model:
    """Return a graph in which layers are replaced; all others are shared.

    Args:
        model: one that `is_graph`.
        replace: gives what stands for a layer or an operation, or that itself. Models
            inside are rebuilt likewise.
    """

    def twin(layer: Layer) -> Layer:
        return rebuilt(layer, replace) if is_graph(layer) else replace(layer)

    return keras.models.clone_model(uncompiled(model), clone_function=twin)


class StandIn(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """What stands for a layer in a graph: of its name, its precision and its shape.

    Without the shape Keras would trace `call` to learn it, for each layer.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self._shape = layer.compute_output_shape

    def compute_output_shape(self, shape: Any) -> Any:
        """Return the shape of what the layer itself gives."""
        return self._shape(shape)


def uncompiled(model: Model) -> Model:
    """Return a view of the same graph, which has no loss and no metric to copy.

    Args:
        model: one that `is_graph`.
    """
    graph = _graph(model)
    return keras.Model(graph.input, graph.output, name=model.name)


def _graph(model: Model) -> Any:
    """Return the functional model that a sequential one is made of, or the model."""
    return getattr(model, "_functional", model)
