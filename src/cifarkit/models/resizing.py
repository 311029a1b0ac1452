"""A resize as two matrix products, which every engine reads alike.

OpenVINO reads no bicubic resize of TensorFlow, and one of an open batch wrongly; XLA
has none. Every resize is linear in the pixels, so that two matrices say it all; they
are made by Keras' own resize, from images of single pixels.
"""

from collections.abc import Sequence
from typing import final

import keras
import numpy as np
from keras import ops

from cifarkit._types import Floats, Layer, Model, Tensor
from cifarkit.models.graphs import StandIn, is_graph, uncompiled

_RESIZED_BY_XLA = ("nearest", "bilinear")


def without_resizing(model: Model, shape: Sequence[int] | None = None) -> Model:
    """Return a model of the same layers, in which a resize is two matrix products.

    Args:
        model: a functional or sequential `keras.Model`.
        shape: of one image, `(H, W, C)`; None where the model takes one shape alone.
    """
    graph, entries = uncompiled(model), None
    if shape is not None:
        entries = keras.tree.map_structure(lambda _: keras.Input(shape), graph.input)
    return keras.models.clone_model(graph, entries, clone_function=_plain)


def for_xla(model: Model, shape: Sequence[int] | None = None) -> Model:
    """Return a model that Keras on TensorFlow compiles with XLA where it can.

    Where TensorFlow sees a GPU, Keras compiles each model with XLA unless one of its
    layers says that it cannot. XLA has no bicubic resize; `Resizing` does not say so.

    Args:
        model: any.
        shape: of its images, where all have one: a resize may become products then.
            Otherwise the model itself is told that XLA is not for it.
    """
    if keras.backend.backend() != "tensorflow":
        return model
    replaced = shape is not None and is_graph(model) and _takes_floats(model)
    if replaced and any(map(_is_unknown, model.layers)):
        model = without_resizing(model, shape)
    unknown = [each for each in model._flatten_layers() if _is_unknown(each)]
    for layer in unknown:
        layer.supports_jit = False
    if unknown:
        model.jit_compile = False  # a loaded model has decided already
    return model


def _takes_floats(model: Model) -> bool:
    """Whether nothing is rounded: Keras rounds what it resizes of whole numbers."""
    return all(keras.backend.is_float_dtype(each.dtype) for each in model.inputs)


def _is_unknown(layer: Layer) -> bool:
    """Whether it is a resize that XLA does not have."""
    if not isinstance(layer, keras.layers.Resizing):
        return False
    return bool(layer.antialias or layer.interpolation not in _RESIZED_BY_XLA)


def is_plain(layer: Layer) -> bool:
    """Whether a layer is Keras' resize, of the whole image, with channels last."""
    if type(layer) is not keras.layers.Resizing:
        return False
    reshaped = layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio
    return layer.data_format == "channels_last" and not reshaped


def _plain(layer: Layer) -> Layer:
    """Return what stands for a layer; only a plain resize is replaced."""
    return _Products(layer) if is_plain(layer) else layer


@final
class _Products(StandIn):
    """What a `keras.layers.Resizing` does, for images `(B, H, W, C)` of known size."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        self.height, self.width = layer.height, layer.width
        self.interpolation, self.antialias = layer.interpolation, layer.antialias

    def build(self, input_shape: tuple[int, ...]) -> None:
        _, height, width, channels = input_shape
        self.rows = self._matrix(height, self.height)
        # One product over columns and channels is faster than one for each row.
        columns = self._matrix(width, self.width)
        self.columns = np.kron(columns.T, np.eye(channels, dtype=np.float32))

    def call(self, images: Tensor) -> Tensor:
        height, width, channels = images.shape[1:]
        flat = ops.reshape(images, (-1, height, width * channels))
        flat = ops.matmul(ops.matmul(self.rows, flat), self.columns)
        return ops.reshape(flat, (-1, self.height, self.width, channels))

    def _matrix(self, given: int, wanted: int) -> Floats:
        """Return what brings `given` pixels in a row to `wanted`, `(wanted, given)`."""
        pixels = np.eye(given, dtype=np.float32)[None, ..., None]
        resized = ops.image.resize(
            pixels,
            (wanted, given),
            interpolation=self.interpolation,
            antialias=self.antialias,
        )
        return np.asarray(ops.convert_to_numpy(resized))[0, ..., 0]
