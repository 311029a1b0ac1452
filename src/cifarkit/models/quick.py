"""A network that learns CIFAR-10 from scratch in a few epochs.

In the spirit of the speed records of Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds on
a single GPU", arXiv:2404.00498: a first convolution of 2 x 2, three narrow blocks with
batch norm and GELU, a max-pooled last map, small first logits. Its whitening of the
first layer by the data is left out.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from keras import layers

from cifarkit._seeding import glorot
from cifarkit._types import Tensor

_SCALE = 1 / 9  # of the logits, so that the first losses are small


@final
@dataclass(frozen=True)
class Quick:
    """The network for a number of filters in each block.

    Args:
        widths: filters of the blocks.
    """

    widths: tuple[int, ...] = (64, 256, 256)

    @property
    def least(self) -> int:
        """The smallest side of an image, in pixels."""
        return int(2 ** len(self.widths)) + 1

    def __call__(
        self, images: Tensor, classes: int, seeds: np.random.Generator
    ) -> Tensor:
        """Return the probabilities of images in [0, 1]."""
        values = layers.Conv2D(
            24, 2, activation="gelu", kernel_initializer=glorot(seeds), name="conv_0"
        )(images)
        for block, width in enumerate(self.widths, start=1):
            values = _convolved(values, width, seeds, f"{block}_1")
            values = layers.MaxPooling2D(name=f"pool_{block}")(values)
            values = _normed(values, f"{block}_1")
            values = _convolved(values, width, seeds, f"{block}_2")
            values = _normed(values, f"{block}_2")
        values = layers.GlobalMaxPooling2D(name="pool")(values)
        logits = layers.Dense(
            classes, use_bias=False, kernel_initializer=glorot(seeds), name="logits"
        )(values)
        logits = layers.Rescaling(_SCALE, name="scale")(logits)
        return layers.Softmax(name="predictions", dtype="float32")(logits)


def _convolved(
    values: Tensor, width: int, seeds: np.random.Generator, place: str
) -> Tensor:
    return layers.Conv2D(
        width,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=glorot(seeds),
        name=f"conv_{place}",
    )(values)


def _normed(values: Tensor, place: str) -> Tensor:
    normed = layers.BatchNormalization(momentum=0.9, name=f"norm_{place}")(values)
    return layers.Activation("gelu", name=f"gelu_{place}")(normed)
