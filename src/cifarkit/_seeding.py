"""Layers and kernels whose randomness is drawn from one generator, each a seed."""

import keras
import numpy as np

from cifarkit._types import Layer


def seed_from(seeds: np.random.Generator) -> int:
    """Return the next seed."""
    return int(seeds.integers(2**31))


def dropout(rate: float, seeds: np.random.Generator, name: str) -> Layer:
    """Return a dropout layer."""
    return keras.layers.Dropout(rate, seed=seed_from(seeds), name=name)


def glorot(seeds: np.random.Generator) -> object:
    """Return a Glorot uniform initializer."""
    return keras.initializers.GlorotUniform(seed_from(seeds))
