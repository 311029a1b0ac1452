"""A resize as two matrix products, which every engine reads alike.

OpenVINO reads no bicubic resize of TensorFlow, and one of an open batch wrongly. Every
resize is linear in the pixels, so that two matrices say it all; they are made by Keras'
own resize, from images of single pixels.
"""

from typing import final

import keras
import numpy as np
from keras import ops

from cifarkit._types import Floats, Layer, Model, Tensor


def without_resizing(model: Model) -> Model:
    """Return a model of the same layers, in which a resize is two matrix products."""
    return keras.models.clone_model(model, clone_function=_plain)


def _plain(layer: Layer) -> Layer:
    """Return what stands for a layer; only a plain resize is replaced."""
    if type(layer) is not keras.layers.Resizing:
        return layer
    reshaped = layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio
    return layer if reshaped else Products(layer)


@final
class Products(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """What a `keras.layers.Resizing` does, for images `(B, H, W, C)` of known size."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(name=layer.name)
        self.layer = layer

    def build(self, input_shape: tuple[int, ...]) -> None:
        _, height, width, channels = input_shape
        self.rows = self._matrix(height, self.layer.height)
        # One product over columns and channels is faster than one for each row.
        columns = self._matrix(width, self.layer.width)
        self.columns = np.kron(columns.T, np.eye(channels, dtype=np.float32))

    def call(self, images: Tensor) -> Tensor:
        height, width, channels = images.shape[1:]
        flat = ops.reshape(images, (-1, height, width * channels))
        flat = ops.matmul(ops.matmul(self.rows, flat), self.columns)
        return ops.reshape(flat, (-1, self.layer.height, self.layer.width, channels))

    def _matrix(self, given: int, wanted: int) -> Floats:
        """Return what brings `given` pixels in a row to `wanted`, `(wanted, given)`."""
        pixels = np.eye(given, dtype=np.float32)[None, ..., None]
        resized = ops.image.resize(
            pixels,
            (wanted, given),
            interpolation=self.layer.interpolation,
            antialias=self.layer.antialias,
        )
        return np.asarray(ops.convert_to_numpy(resized))[0, ..., 0]
