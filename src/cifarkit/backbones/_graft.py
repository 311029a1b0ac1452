"""A copy of a network, flat, on another tensor."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras

from cifarkit import models
from cifarkit._types import Layer, Model, Tensor
from cifarkit.backbones._preprocess import is_preprocessing


def graft(model: Model, tensor: Tensor) -> Model:
    """Copy a functional model onto a tensor of another functional graph.

    The layers of the copy are part of that graph, not nested in it, and each is called
    once: so `layer.output` is the tensor that a heat map or a cut needs.

    Args:
        model: a functional model with one input. Models in it are opened, too, but for
            preprocessing, and for those that are called more than once or have several
            inputs or outputs.
        tensor: takes the place of the input.

    Returns:
        A model from the input of `tensor` to the output, with random weights.
    """
    [image] = keras.utils.get_source_inputs(tensor)
    opened = {each.name for each in _opened(model)}

    def call(layer: Layer, *args: Any, **kwargs: Any) -> Tensor:
        args, kwargs = keras.tree.map_structure(
            lambda each: tensor if each is image else each, (args, kwargs)
        )
        if layer.name in opened:
            return graft(models.uncompiled(layer), args[0]).output
        return layer(*args, **kwargs)

    return keras.models.clone_model(model, input_tensors=image, call_function=call)


def flat(model: Model) -> Iterator[Layer]:
    """Yield the layers that a graft of a model has."""
    opened = _opened(model)
    for layer in model.layers:
        if layer in opened:
            yield from flat(layer)
        else:
            yield layer


def _opened(model: Model) -> list[Model]:
    """Return the models in a model that a graft lays out in its own graph."""
    count = Counter(id(call.operation) for call in models.calls(model))
    return [
        layer
        for layer in model.layers
        if models.is_graph(layer)
        and not is_preprocessing(layer)
        and len(layer.inputs) == len(layer.outputs) == count[id(layer)] == 1
    ]
