"""A copy of a network, flat, on another tensor."""

from typing import Any

import keras

from cifarkit._types import Layer, Model, Tensor


def graft(model: Model, tensor: Tensor) -> Model:
    """Copy a functional model onto a tensor of another functional graph.

    The layers of the copy are part of that graph, not nested in it, and each is called
    once: so `layer.output` is the tensor that a heat map or a cut needs.

    Args:
        model: a functional model with one input.
        tensor: takes the place of the input.

    Returns:
        A model from the input of `tensor` to the output, with random weights.
    """
    [image] = keras.utils.get_source_inputs(tensor)

    def call(layer: Layer, *args: Any, **kwargs: Any) -> Tensor:
        args, kwargs = keras.tree.map_structure(
            lambda each: tensor if each is image else each, (args, kwargs)
        )
        return layer(*args, **kwargs)

    return keras.models.clone_model(model, input_tensors=image, call_function=call)
