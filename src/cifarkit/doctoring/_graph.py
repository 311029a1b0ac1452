"""The layers of a network in the order of its data, those of nested models too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit import models
from cifarkit._types import Layer, Model, Tensor
from cifarkit.backbones._preprocess import is_preprocessing

Ending = Literal["softmax", "sigmoid", "linear"]

_SILENT = ("Dropout", "Flatten", "Reshape", "Identity", "Rescaling")
"""Layers that may stand behind the activation of an output."""


@dataclass(frozen=True)
class Place:
    """One use of a layer in a network.

    Args:
        layer: the layer.
        graph: the functional model that uses it directly.
        tensor: what enters the layer first.
        output: what leaves it first.
        way: the models around `graph` and what enters the next one, outer ones first.
    """

    layer: Layer
    graph: Model
    tensor: Tensor
    output: Tensor
    way: tuple[tuple[Model, Tensor], ...] = ()

    def arriving(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return what enters the layer in inference; no state of it changes."""
        values: Any = np.asarray(images, np.float32)
        for graph, tensor in (*self.way, (self.graph, self.tensor)):
            start = graph.inputs[0]
            if tensor is not start:
                until = keras.Model(start, tensor, name="until")
                values = until(values, training=False)
        return np.asarray(keras.ops.convert_to_numpy(values), np.float32)


def graph_of(model: Any) -> Model | None:
    """Return the functional model of one input and one output that a model is.

    None stands for a model that has no such graph: a subclass with a `call` of its own,
    or one not built.
    """
    if not models.is_graph(model):
        return None
    single = len(model.inputs) == 1 and len(model.outputs) == 1
    return model if single else None


def places(model: Model, way: tuple[tuple[Model, Tensor], ...] = ()) -> Iterator[Place]:
    """Yield each use of a layer, nested models opened, in the order of the data."""
    graph = graph_of(model)
    for node in models.calls(graph)[::-1] if graph else ():
        tensor = node.input_tensors[0]
        if graph_of(node.operation):
            yield from places(node.operation, (*way, (graph, tensor)))
        else:
            yield Place(node.operation, graph, tensor, node.output_tensors[0], way)


def is_convolution(layer: Layer) -> bool:
    """Whether a layer is a convolution that can learn, of whatever kind."""
    named = "Conv" in type(layer).__name__ and bool(layer.weights)
    return named and not is_preprocessing(layer)


def ending(model: Model) -> tuple[Ending | None, bool]:
    """Return the activation of the output, and whether nothing comes after it."""
    found = [each.layer for each in places(model)]
    direct = True
    while found:
        layer = found.pop()
        name = _activation(layer)
        if name in ("softmax", "sigmoid") or (name == "linear" and layer.weights):
            return name, direct
        if name != "linear" and type(layer).__name__ not in _SILENT:
            return None, direct
        direct = False
    return None, direct


def _activation(layer: Layer) -> Any:
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    function = getattr(layer, "activation", None)
    return getattr(function, "__name__", None)
