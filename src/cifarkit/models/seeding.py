"""Layers whose randomness is drawn from one generator, each a seed of its own."""

import keras
import numpy as np

from cifarkit._types import Layer


def dropout(rate: float, seeds: np.random.Generator, name: str) -> Layer:
    """Return a dropout layer."""
    return keras.layers.Dropout(rate, seed=_next(seeds), name=name)


def glorot(seeds: np.random.Generator) -> object:
    """Return a Glorot uniform initializer."""
    return keras.initializers.GlorotUniform(_next(seeds))


def _next(seeds: np.random.Generator) -> int:
    return int(seeds.integers(2**31))
