"""The convolutional networks of the published projects, trained from scratch."""

from dataclasses import dataclass
from typing import final

import keras
import numpy as np
from keras import layers

from cifarkit._errors import InvalidArgument
from cifarkit._registry import Registry
from cifarkit._types import Layer, Model, Tensor


def names() -> tuple[str, ...]:
    """Return the names that `cnn` knows."""
    return _NETWORKS.names()


def cnn(name: str, *, classes: int = 10, size: int = 32, seed: int = 0) -> Model:
    """Build one of the published networks, untrained.

    Blocks of 3 x 3 convolutions with ReLU, each block ending in 2 x 2 max-pooling;
    then Flatten, one dense layer with ReLU, and softmax.

    | name | blocks | dropout after a block | dense | dropout | batch norm |
    |---|---|---|---|---|---|
    | s0-cnn | 32; 64; 128 | | 256 | 0.5 | |
    | s2-m1 | 32 | | 100 | | |
    | s2-m2 | 32, 32 | | 128 | | |
    | s2-m4 | 32, 32; 64, 64 | 0.2 | 128 | 0.5 | |
    | s2-m6 | 64, 64; 128, 128; 256, 256 | | 128 | 0.5 | yes |
    | s3-baseline | 32, 32; 64, 64 | 0.25 | 512 | 0.5 | |
    | s3-augmented | 32, 32; 64, 64 | 0.25 | 512 | 0.5 | yes |
    | s4-cnn | 32, 32; 64, 64; 128, 128 | | 128 | 0.5 | yes |

    The projects do not state everything. Chosen here: "same" padding everywhere (S3's
    count of parameters asks for it), ReLU in every hidden layer, batch norm after the
    ReLU of every convolution and nowhere else, Glorot uniform first weights, and for
    s4-cnn all numbers. Augmentation is no part of the network.

    Args:
        name: one of `names()`.
        classes: the number of classes, 2 or more.
        size: height and width of the images in pixels.
        seed: the same seed gives the same first weights and dropout masks; every layer
            draws a seed of its own from it.

    Returns:
        A `keras.Model` of that name: RGB `(B, size, size, 3)` in [0, 255], integers or
        floats, to probabilities `(B, classes)`, float32 under every precision policy.
        The layer "preprocess_unit" scales to [0, 1].

    Raises:
        UnknownName: no network has that name.
        InvalidArgument: `classes` is below 2, or `size` too small for the pooling.

    Example:
        >>> cnn("s3-baseline").count_params()
        2168362
    """
    network = _NETWORKS.get(name)
    least = 2 ** len(network.blocks)
    if classes < 2 or size < least:
        raise InvalidArgument(
            f"Expected 2 classes or more and a size of {least} or more for {name!r}; "
            f"received classes={classes!r} and size={size!r}."
        )
    seeds = np.random.default_rng(seed)
    images = keras.Input((size, size, 3), name="images")
    unit = layers.Rescaling(1 / 255, dtype="float32", name="preprocess_unit")
    features = _blocks(network, unit(images), seeds)
    return keras.Model(images, _top(network, features, classes, seeds), name=name)


@final
@dataclass(frozen=True)
class _Network:
    """Filters of the convolutions in each block, units of the dense layer, dropouts."""

    blocks: tuple[tuple[int, ...], ...]
    dense: int
    dropout: float = 0.0
    block_dropout: float = 0.0
    batch_norm: bool = False


def _blocks(network: _Network, values: Tensor, seeds: np.random.Generator) -> Tensor:
    for block, convolutions in enumerate(network.blocks, start=1):
        for place, filters in enumerate(convolutions, start=1):
            values = _convolution(filters, seeds, f"conv_{block}_{place}")(values)
            if network.batch_norm:
                name = f"norm_{block}_{place}"
                values = layers.BatchNormalization(name=name)(values)
        values = layers.MaxPooling2D(name=f"pool_{block}")(values)
        if network.block_dropout:
            name = f"dropout_{block}"
            values = _dropout(network.block_dropout, seeds, name)(values)
    return values


def _top(
    network: _Network, features: Tensor, classes: int, seeds: np.random.Generator
) -> Tensor:
    values = layers.Flatten(name="flatten")(features)
    values = layers.Dense(
        network.dense, "relu", kernel_initializer=_glorot(seeds), name="dense"
    )(values)
    if network.dropout:
        values = _dropout(network.dropout, seeds, "dropout")(values)
    return layers.Dense(
        classes,
        "softmax",
        kernel_initializer=_glorot(seeds),
        name="predictions",
        dtype="float32",
    )(values)


def _convolution(filters: int, seeds: np.random.Generator, name: str) -> Layer:
    return layers.Conv2D(
        filters,
        3,
        padding="same",
        activation="relu",
        kernel_initializer=_glorot(seeds),
        name=name,
    )


def _dropout(rate: float, seeds: np.random.Generator, name: str) -> Layer:
    return layers.Dropout(rate, seed=_next(seeds), name=name)


def _glorot(seeds: np.random.Generator) -> object:
    return keras.initializers.GlorotUniform(_next(seeds))


def _next(seeds: np.random.Generator) -> int:
    return int(seeds.integers(2**31))


_PAIRS = ((32, 32), (64, 64))

_NETWORKS: Registry[_Network] = Registry("network", listing="cifarkit.models.names()")
_NETWORKS.add("s0-cnn", _Network(((32,), (64,), (128,)), 256, 0.5))
_NETWORKS.add("s2-m1", _Network(((32,),), 100))
_NETWORKS.add("s2-m2", _Network(((32, 32),), 128))
_NETWORKS.add("s2-m4", _Network(_PAIRS, 128, 0.5, 0.2))
_NETWORKS.add(
    "s2-m6", _Network(((64, 64), (128, 128), (256, 256)), 128, 0.5, batch_norm=True)
)
_NETWORKS.add("s3-baseline", _Network(_PAIRS, 512, 0.5, 0.25))
_NETWORKS.add("s3-augmented", _Network(_PAIRS, 512, 0.5, 0.25, batch_norm=True))
_NETWORKS.add("s4-cnn", _Network((*_PAIRS, (128, 128)), 128, 0.5, batch_norm=True))
