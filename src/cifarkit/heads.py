"""Classification heads: from a feature map to class probabilities."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, final

import keras
import numpy as np
from keras import layers

from cifarkit import _seeding
from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_number, require_whole
from cifarkit._registry import require_known
from cifarkit._types import Layer, Model, Tensor

__all__ = ["Head", "Pooling", "classifier", "linear"]

Pooling: TypeAlias = Literal["avg", "max", "avg_max", "flatten"]
"""How a feature map becomes a vector: the mean or the largest value of each channel,
both, or all values."""


def classifier(
    *,
    hidden: Sequence[int] = (128,),
    dropout: float = 0.3,
    input_dropout: float = 0.0,
    batch_norm: bool = False,
    l2: float = 0.0,
    pooling: Pooling = "avg",
) -> "Head":
    """Describe a head: pooling, hidden layers, dropout, softmax.

    Args:
        hidden: units of each hidden dense layer (ReLU), first to last.
        dropout: rate of the one dropout before the softmax layer, in [0, 1).
        input_dropout: rate of the dropout after the pooling, in [0, 1).
        batch_norm: normalise after the ReLU of each hidden layer.
        l2: strength of the L2 penalty on the kernel of every dense layer, the softmax
            layer's too; the penalty is part of the training loss. At least 0.
        pooling: "avg", "max", "avg_max" (both, concatenated) or "flatten".

    Raises:
        InvalidArgument: an argument is out of range.
        UnknownName: there is no such pooling.

    Example:
        >>> head = classifier(hidden=(256, 128, 64), dropout=0.6, batch_norm=True)
        >>> head.build((7, 7, 2048), 10, seed=0).output_shape
        (None, 10)
    """
    if not isinstance(hidden, Sequence):
        raise InvalidArgument(
            f"Expected hidden to be a sequence of units; received {hidden!r}. "
            "Pass (128,) for one hidden layer and () for none."
        )
    return Head(tuple(hidden), dropout, input_dropout, batch_norm, l2, pooling)


def linear(*, pooling: Pooling = "avg", l2: float = 0.0) -> "Head":
    """Describe a head of pooling and one softmax layer: a linear probe.

    Args:
        pooling: as in `classifier`.
        l2: as in `classifier`.

    Raises:
        InvalidArgument: `l2` is negative.
        UnknownName: there is no such pooling.
    """
    return Head((), 0.0, 0.0, False, l2, pooling)


@final
@dataclass(frozen=True)
class Head:
    """What a head is made of; `build` makes it for a feature map and a class count.

    Made by `classifier` and `linear`, which explain the fields.
    """

    hidden: tuple[int, ...]
    dropout: float
    input_dropout: float
    batch_norm: bool
    l2: float
    pooling: Pooling

    def __post_init__(self) -> None:
        for units in self.hidden:
            require_whole("every entry of hidden", units)
        object.__setattr__(self, "hidden", tuple(map(int, self.hidden)))
        for name, below in (("dropout", 1.0), ("input_dropout", 1.0), ("l2", math.inf)):
            require_number(name, value := getattr(self, name), least=0.0, below=below)
            object.__setattr__(self, name, float(value))
        if not isinstance(self.batch_norm, bool) or (
            self.batch_norm and not self.hidden
        ):
            raise InvalidArgument(
                "Expected batch_norm to be True beside hidden layers, or False; "
                f"received {self.batch_norm!r} beside hidden={self.hidden}. How batch "
                "norm of the backbone learns is said by Phase(batch_norm=)."
            )
        listing = "cifarkit.heads.classifier"
        require_known("pooling", self.pooling, _POOLINGS, listing)

    def build(
        self, feature_shape: tuple[int, int, int], classes: int, *, seed: int
    ) -> Model:
        """Make the head as a model named "head", of built-in Keras layers only.

        Args:
            feature_shape: height, width and channels of the feature map.
            classes: the number of classes, 2 or more.
            seed: the same seed gives the same first weights and dropout masks; every
                layer draws a seed of its own from it.

        Returns:
            A `keras.Model` from `(B, *feature_shape)` to probabilities `(B, classes)`,
            float32 under every precision policy. Its layers are "pool",
            "input_dropout", "dense_1", "norm_1", ..., "dropout", "predictions".

        Raises:
            InvalidArgument: `classes` is below 2, or a size is not a positive int.
        """
        require_whole("classes", classes, least=2)
        classes = int(classes)  # Keras takes Python's numbers alone
        if len(feature_shape) != 3:
            raise InvalidArgument(
                "Expected height, width and channels of the feature map; received "
                f"{feature_shape!r}."
            )
        for size in feature_shape:
            require_whole("every entry of feature_shape", size)
        require_whole("seed", seed, least=0)
        seeds = np.random.default_rng(seed)
        features = keras.Input(feature_shape, name="features")
        values = _POOLINGS[self.pooling](features)
        if rate := self.input_dropout:
            values = _seeding.dropout(rate, seeds, "input_dropout")(values)
        for place, units in enumerate(self.hidden, start=1):
            values = self._dense(units, "relu", seeds, f"dense_{place}")(values)
            if self.batch_norm:
                values = layers.BatchNormalization(name=f"norm_{place}")(values)
        if rate := self.dropout:
            values = _seeding.dropout(rate, seeds, "dropout")(values)
        last = self._dense(classes, "softmax", seeds, "predictions", dtype="float32")
        return keras.Model(features, last(values), name="head")

    def _dense(
        self,
        units: int,
        activation: str,
        seeds: np.random.Generator,
        name: str,
        dtype: str | None = None,
    ) -> Layer:
        return layers.Dense(
            units,
            activation=activation,
            kernel_initializer=_seeding.glorot(seeds),
            kernel_regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
            name=name,
            dtype=dtype,
        )


def _average_and_maximum(features: Tensor) -> Tensor:
    both = [
        layers.GlobalAveragePooling2D(name="pool_avg")(features),
        layers.GlobalMaxPooling2D(name="pool_max")(features),
    ]
    return layers.Concatenate(name="pool")(both)


_POOLINGS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "avg": lambda features: layers.GlobalAveragePooling2D(name="pool")(features),
        "max": lambda features: layers.GlobalMaxPooling2D(name="pool")(features),
        "avg_max": _average_and_maximum,
        "flatten": lambda features: layers.Flatten(name="pool")(features),
    }
)
