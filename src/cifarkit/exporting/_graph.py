"""A trained model as a graph that every converter reads, for images of any size.

No runtime but TensorFlow has its bicubic resize, and those that have one give other
pixels: TensorFlow rounds places between pixels to 1/1024, and divides by the weights
that lie inside the image. Here the resize is two matrix products, whose matrices the
graph computes from the size of the images, rounded and divided likewise.

Source of the kernel: Keys, "Cubic convolution interpolation for digital image
processing", 1981, with a = -1/2.
"""

from collections.abc import Callable
from typing import Any, final

import keras
from keras import ops

from cifarkit import models
from cifarkit._types import Layer, Model, Tensor
from cifarkit.models.graphs import is_graph, rebuilt
from cifarkit.models.resizing import is_plain

SUFFIX = "_any_size"
"""How the names of layers end that compute a resize."""

_KNOWN = "bicubic", "bilinear"

_STEPS = 1024
"""Places between two pixels that TensorFlow's bicubic resize tells apart."""


def portable(model: Model) -> Model:
    """Return a model of the same weights and answers that every converter reads.

    Args:
        model: a `keras.Model`; a subclass is returned as it is.
    """
    return rebuilt(models.folded(model), _plain) if is_graph(model) else model


def signature(model: Model) -> Any:
    """Return what the exported graph takes: uint8 images, of any number."""
    import tensorflow as tf

    return tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, "images")


def endpoint(model: Model) -> Callable[[Tensor], dict[str, Tensor]]:
    """Return the function of an exported graph: images in, named probabilities out."""

    def serve(images: Tensor) -> dict[str, Tensor]:
        pixels = ops.cast(images, "float32")
        return {"probabilities": model(pixels, training=False)}

    return serve


def traced(model: Model) -> Any:
    """Return the function of an exported graph as a `tf.function` of one signature."""
    import tensorflow as tf

    serve = endpoint(portable(model))
    return tf.function(serve, input_signature=[signature(model)])


def _plain(layer: Layer) -> Layer:
    """Return what stands for a layer; only a plain resize is replaced."""
    if not is_plain(layer) or layer.antialias:
        return layer
    return AnySize(layer) if layer.interpolation in _KNOWN else layer


@final
class AnySize(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """What a `keras.layers.Resizing` does, for images `(B, H, W, C)` of any size."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(name=f"{layer.name}{SUFFIX}", dtype="float32")
        self.target = (layer.height, layer.width)
        self.cubic = layer.interpolation == "bicubic"

    def call(self, images: Tensor) -> Tensor:
        _, height, width, channels = ops.shape(images)
        flat = ops.reshape(images, (-1, height, width * channels))
        flat = ops.matmul(self._matrix(height, self.target[0]), flat)
        rows = ops.reshape(flat, (-1, self.target[0], width, channels))
        columns = ops.transpose(self._matrix(width, self.target[1]))
        turned = ops.matmul(ops.transpose(rows, (0, 1, 3, 2)), columns)
        return ops.transpose(turned, (0, 1, 3, 2))

    def _matrix(self, given: Tensor, wanted: int) -> Tensor:
        """Return what brings `given` pixels in a row to `wanted`, `(wanted, given)`."""
        count = ops.cast(given, "float32")
        places = (ops.arange(wanted, dtype="float32") + 0.5) * (count / wanted) - 0.5
        if self.cubic:
            before = ops.floor(places)
            places = before + ops.round((places - before) * _STEPS) / _STEPS
        else:
            places = ops.clip(places, 0.0, count - 1.0)
        pixels = ops.cast(ops.arange(given), "float32")
        distance = ops.abs(pixels[None, :] - places[:, None])
        weights = _keys(distance) if self.cubic else ops.relu(1.0 - distance)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (shape[0], *self.target, shape[3])


def _keys(distance: Tensor) -> Tensor:
    """Return the weight of a pixel at a distance from the place, in pixels."""
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return ops.where(distance <= 1, near, ops.where(distance < 2, far, 0.0))
