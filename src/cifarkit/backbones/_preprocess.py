"""What stands between RGB in [0, 255] and the first layer of a network.

Each mode is one built-in Keras layer, so that `summary()` shows it and a saved model
holds it. All compute in float32, whatever the dtype policy.
"""

from collections.abc import Callable

import keras
import numpy as np

from cifarkit._registry import require_known
from cifarkit._types import Layer, Tensor

PREFIX = "preprocess"
"""The names of all preprocessing layers start so."""

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
"""The mean of each channel of ImageNet, in RGB, on the scale from 0 to 1."""

IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])
"""The standard deviation of each channel of ImageNet, likewise."""

_CAFFE_MEAN = np.array([103.939, 116.779, 123.68])  # in BGR, from 0 to 255


def check(mode: object) -> None:
    """Raise unless there is such a mode.

    Raises:
        UnknownName: there is none; the text suggests the nearest.
    """
    listing = "the docstring of cifarkit.backbones.get"
    require_known("preprocess mode", mode, _MODES, listing)


def apply(image: Tensor, mode: str) -> Tensor:
    """Convert images as a network expects them.

    Args:
        image: RGB in [0, 255], float32, shape `(N, H, W, 3)`.
        mode: `"raw"` leaves them; `"unit"` gives [0, 1]; `"tf"` gives [-1, 1];
            `"torch"` gives mean 0 and deviation 1 in each channel of ImageNet;
            `"caffe"` gives BGR less the ImageNet mean, not scaled; `"lite"` gives
            `(x - 127) / 128`, as EfficientNet-Lite was trained.

    Raises:
        UnknownName: there is no such mode.
    """
    check(mode)
    return _MODES[mode](image)


def is_ours(layer: Layer) -> bool:
    """Tell whether a layer is that of one of the modes here, by its exact name."""
    return str(layer.name) in {f"{PREFIX}_{mode}" for mode in _MODES}


def is_preprocessing(layer: Layer) -> bool:
    """Tell whether a layer of a built backbone is a preprocessing layer."""
    return str(layer.name).startswith(PREFIX)


def _raw(image: Tensor) -> Tensor:
    return image


def _unit(image: Tensor) -> Tensor:
    return _rescaling("unit", 1 / 255, 0.0)(image)


def _tf(image: Tensor) -> Tensor:
    return _rescaling("tf", 1 / 127.5, -1.0)(image)


def _lite(image: Tensor) -> Tensor:
    return _rescaling("lite", 1 / 128, -127 / 128)(image)


def _torch(image: Tensor) -> Tensor:
    scale = 1 / (255 * IMAGENET_DEVIATION)
    offset = -IMAGENET_MEAN / IMAGENET_DEVIATION
    return _rescaling("torch", scale.tolist(), offset.tolist())(image)


def _caffe(image: Tensor) -> Tensor:
    """Swap the channels by a frozen convolution: no other built-in layer does."""
    layer = keras.layers.Conv2D(
        3,
        1,
        data_format="channels_last",
        trainable=False,
        dtype="float32",
        name=f"{PREFIX}_caffe",
    )
    features = layer(image)
    layer.set_weights([np.eye(3)[::-1].reshape(1, 1, 3, 3), -_CAFFE_MEAN])
    return features


def _rescaling(
    mode: str, scale: float | list[float], offset: float | list[float]
) -> Layer:
    name = f"{PREFIX}_{mode}"
    return keras.layers.Rescaling(
        scale, offset, trainable=False, dtype="float32", name=name
    )


_MODES: dict[str, Callable[[Tensor], Tensor]] = {
    "raw": _raw,
    "unit": _unit,
    "tf": _tf,
    "torch": _torch,
    "caffe": _caffe,
    "lite": _lite,
}
