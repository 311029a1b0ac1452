"""The networks of keras.applications, on any tensor, and their weights files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np
from keras import applications

from cifarkit import models
from cifarkit._errors import CorruptFile
from cifarkit._types import Arrays, Layer, Model, Tensor
from cifarkit.backbones._graft import graft
from cifarkit.backbones._preprocess import IMAGENET_DEVIATION, IMAGENET_MEAN
from cifarkit.backbones._spec import Graph

_MOST = 2**31
"""Bytes that the arrays of a weights file may have; those of VGG16 have 59 million."""

Constructor: TypeAlias = Callable[..., Model]
"""A network of keras.applications, such as `keras.applications.VGG16`."""


def graph_of(constructor: Constructor) -> Graph:
    """Return what builds a network of keras.applications on a tensor."""
    special: dict[Constructor, Graph] = {
        applications.DenseNet121: _densenet121,
        applications.EfficientNetB0: _efficientnetb0,
    }
    return special.get(constructor, partial(_build, constructor))


def read(constructor: Constructor, path: Path) -> Arrays:
    """Read a weights file without a top, in which the order of layers is the key.

    Raises:
        CorruptFile: the file is that of another network, or of none; or EfficientNet's
            file has another input scaling than ImageNet's.
    """
    try:
        models.check_hdf5(path, most=_MOST)
        model = constructor(include_top=False, weights=str(path))
    except (OSError, ValueError, KeyError) as error:
        raise CorruptFile(
            f"Expected the weights of {constructor.__name__} in {path.name}; received "
            f"a file that Keras refuses ({error!s:.300}). Use the one it publishes."
        ) from error
    scaling = [each for each in model.layers if _is_normalization(each)]
    for layer in scaling:
        _check(layer, path)
    return {
        variable.path: variable.numpy()
        for layer in model.layers
        if layer not in scaling
        for variable in layer.weights
    }


def _build(constructor: Constructor, tensor: Tensor) -> Model:
    return constructor(include_top=False, weights=None, input_tensor=tensor)


def _densenet121(tensor: Tensor) -> Model:
    """Give names that last to the two paddings, which Keras only numbers."""
    model = _build(applications.DenseNet121, tensor)
    paddings = [
        layer for layer in model.layers if isinstance(layer, keras.layers.ZeroPadding2D)
    ]
    for layer, name in zip(paddings, ("conv1_pad", "pool1_pad"), strict=True):
        layer.name = name
    return model


def _efficientnetb0(tensor: Tensor) -> Model:
    """Leave out the scaling inside, for which our visible layer stands.

    Whoever scales before it scales twice; keras.applications does not tell.
    """
    whole = applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=tensor.shape[1:]
    )
    body = keras.Model(whole.get_layer("stem_conv_pad").input, whole.output)
    return graft(body, tensor)


def _is_normalization(layer: Layer) -> bool:
    return isinstance(layer, keras.layers.Normalization)


def _check(layer: Layer, path: Path) -> None:
    """Check that the scaling inside is what the mode `"torch"` does in its place.

    The file keeps deviations where variances belong, and Keras makes up for it in the
    graph (tensorflow issue 49930).
    """
    expected = np.stack([IMAGENET_MEAN, IMAGENET_DEVIATION])
    received = np.stack([np.ravel(layer.mean), np.ravel(layer.variance)])
    if not np.allclose(received, expected, atol=1e-4):
        raise CorruptFile(
            f"Expected the channel statistics {expected.tolist()} in {path.name}; "
            f"received {received.tolist()}. Use the file that Keras publishes."
        )
