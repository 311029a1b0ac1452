"""The convolutional networks of the published projects."""

from dataclasses import dataclass
from typing import final

import numpy as np
from keras import layers

from cifarkit._seeding import dropout, glorot
from cifarkit._types import Layer, Tensor


@final
@dataclass(frozen=True)
class Blocks:
    """Blocks of 3 x 3 convolutions with max-pooling, one dense layer, softmax.

    Args:
        filters: of the convolutions in each block.
        dense: units of the dense layer.
        dropout: rate before the softmax layer.
        block_dropout: rate after each block.
        batch_norm: whether one follows each convolution.
    """

    filters: tuple[tuple[int, ...], ...]
    dense: int
    dropout: float = 0.0
    block_dropout: float = 0.0
    batch_norm: bool = False

    @property
    def least(self) -> int:
        """The smallest side of an image, in pixels."""
        return int(2 ** len(self.filters))

    def __call__(
        self, images: Tensor, classes: int, seeds: np.random.Generator
    ) -> Tensor:
        """Return the probabilities of images in [0, 1]."""
        values = layers.Flatten(name="flatten")(self._blocks(images, seeds))
        values = layers.Dense(
            self.dense, "relu", kernel_initializer=glorot(seeds), name="dense"
        )(values)
        if self.dropout:
            values = dropout(self.dropout, seeds, "dropout")(values)
        return layers.Dense(
            classes,
            "softmax",
            kernel_initializer=glorot(seeds),
            name="predictions",
            dtype="float32",
        )(values)

    def _blocks(self, values: Tensor, seeds: np.random.Generator) -> Tensor:
        for block, convolutions in enumerate(self.filters, start=1):
            for place, filters in enumerate(convolutions, start=1):
                values = _convolution(filters, seeds, f"conv_{block}_{place}")(values)
                if self.batch_norm:
                    name = f"norm_{block}_{place}"
                    values = layers.BatchNormalization(name=name)(values)
            values = layers.MaxPooling2D(name=f"pool_{block}")(values)
            if self.block_dropout:
                name = f"dropout_{block}"
                values = dropout(self.block_dropout, seeds, name)(values)
        return values


def _convolution(filters: int, seeds: np.random.Generator, name: str) -> Layer:
    return layers.Conv2D(
        filters,
        3,
        padding="same",
        activation="relu",
        kernel_initializer=glorot(seeds),
        name=name,
    )
