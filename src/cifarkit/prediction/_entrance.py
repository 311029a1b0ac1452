"""Where images enter a model, and at which size the rest of it sees them."""

from typing import Any

import keras

from cifarkit import models
from cifarkit._errors import InvalidArgument
from cifarkit._types import Model
from cifarkit.training._freezing import augments

_POINTWISE = (
    *("Rescaling", "Normalization", "Cast"),
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide"),
)
"""What changes each pixel by itself, so that it may stand before the resize."""


def seen(model: Model) -> tuple[int, int]:
    """Return the size to which a model that takes any size resizes its images.

    Raises:
        InvalidArgument: nothing resizes them before they are looked at; or it crops or
            pads, and would have to see the whole image.
    """
    layer = _resizing(model) if models.is_graph(model) else None
    if layer is None:
        raise InvalidArgument(
            "Expected a model of one input size, or one that resizes its images before "
            f"all else; received {model.name!r}, which takes any size. Put a "
            "keras.layers.Resizing before it."
        )
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
        raise InvalidArgument(
            f"Expected a resize inside of the model that keeps all of the image; "
            f"received {layer.name!r}, which crops or pads. Crop before you ask, and "
            "give a model of one input size, or a plain Resizing."
        )
    return int(layer.height), int(layer.width)


def _resizing(model: Model) -> Any:
    """Return the resize through which all that a model learns of an image comes."""
    graph = models.uncompiled(model)
    calls, tensor = models.calls(graph), graph.inputs[0]
    while True:
        readers = [
            call for call in calls if any(each is tensor for each in call.input_tensors)
        ]
        if len(readers) != 1:
            return None
        layer = readers[0].operation
        if isinstance(layer, keras.layers.Resizing):
            return layer
        if type(layer).__name__ not in _POINTWISE and not augments(layer):
            return None
        (tensor,) = readers[0].output_tensors
