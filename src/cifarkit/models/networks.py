"""Networks that are trained from scratch, by name."""

from typing import Protocol

import keras
import numpy as np
from keras import layers

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole
from cifarkit._registry import Registry
from cifarkit._types import Model, Tensor
from cifarkit.models.published import Blocks
from cifarkit.models.quick import Quick


def names() -> tuple[str, ...]:
    """Return the names that `cnn` knows."""
    return _NETWORKS.names()


def cnn(name: str, *, classes: int = 10, size: int = 32, seed: int = 0) -> Model:
    """Build a network, untrained: a published one, or ours.

    The published ones are blocks of 3 x 3 convolutions with ReLU, each block ending
    in 2 x 2 max-pooling; then Flatten, one dense layer with ReLU, and softmax.

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
    count of parameters asks for it), the size of the kernels in s2-m2, s2-m4, s2-m6 and
    s4-cnn, ReLU in every hidden layer, batch norm after the ReLU of every convolution
    and nowhere else, Glorot uniform first weights, and for s4-cnn all numbers.
    Augmentation is no part of the network.

    "ours-cnn" learns more in fewer epochs: 2 x 2 convolution of 24; blocks of two 3 x 3
    convolutions of 64, 256, 256 with batch norm and GELU; global max-pooling; softmax.

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
        InvalidArgument: `classes` is below 2, `size` too small for the pooling, `seed`
            below 0, or one of them no whole number.

    Example:
        >>> cnn("s3-baseline").count_params()
        2168362
    """
    network = _NETWORKS.get(name)
    least = network.least
    numbers = (classes, 2), (size, least), (seed, 0)
    if not all(is_whole(each, least=low) for each, low in numbers):
        raise InvalidArgument(
            f"Expected 2 classes or more, a size of {least} or more and a seed of 0 or "
            f"more for {name!r}; received classes={classes!r}, size={size!r} and "
            f"seed={seed!r}."
        )
    classes, size = int(classes), int(size)  # Keras takes Python's numbers alone
    seeds = np.random.default_rng(seed)
    images = keras.Input((size, size, 3), name="images")
    unit = layers.Rescaling(1 / 255, dtype="float32", name="preprocess_unit")
    return keras.Model(images, network(unit(images), classes, seeds), name=name)


class _Network(Protocol):
    """What is known of a network before it is built."""

    @property
    def least(self) -> int:
        """The smallest side of an image, in pixels."""

    def __call__(
        self, images: Tensor, classes: int, seeds: np.random.Generator
    ) -> Tensor:
        """Return the probabilities of images in [0, 1]."""


_PAIRS = ((32, 32), (64, 64))

_NETWORKS: Registry[_Network] = Registry("network", listing="cifarkit.models.names()")
_NETWORKS.add("s0-cnn", Blocks(((32,), (64,), (128,)), 256, 0.5))
_NETWORKS.add("s2-m1", Blocks(((32,),), 100))
_NETWORKS.add("s2-m2", Blocks(((32, 32),), 128))
_NETWORKS.add("s2-m4", Blocks(_PAIRS, 128, 0.5, 0.2))
_NETWORKS.add(
    "s2-m6", Blocks(((64, 64), (128, 128), (256, 256)), 128, 0.5, batch_norm=True)
)
_NETWORKS.add("s3-baseline", Blocks(_PAIRS, 512, 0.5, 0.25))
_NETWORKS.add("s3-augmented", Blocks(_PAIRS, 512, 0.5, 0.25, batch_norm=True))
_NETWORKS.add("s4-cnn", Blocks((*_PAIRS, (128, 128)), 128, 0.5, batch_norm=True))
_NETWORKS.add("ours-cnn", Quick())
