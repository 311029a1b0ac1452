"""Randomness of a model that is there already, drawn anew from one generator."""

from collections.abc import Iterable

import keras
import numpy as np

from cifarkit._seeding import seed_from
from cifarkit._types import Layer, Model

_OTHERS = 1
"""Tells this stream of numbers from those that heads and kernels are drawn by."""


def redraw(layers: Iterable[Layer], seed: int) -> None:
    """Draw the kernels of layers anew, in place, so that they follow from a seed."""
    seeds = np.random.default_rng(seed)
    for layer in layers:
        for kind in ("kernel", "depthwise"):
            kernel = getattr(layer, "kernel", None)
            drawn = getattr(layer, f"{kind}_initializer", None)
            if kernel is not None and drawn is not None:
                config = {**drawn.get_config(), "seed": seed_from(seeds)}
                kernel.assign(type(drawn).from_config(config)(kernel.shape))


def reseed(model: Model, seed: int) -> None:
    """Let what is drawn in layers that have no seed of their own follow from one."""
    seeds = np.random.default_rng((seed, _OTHERS))
    for layer in model._flatten_layers():
        drawn = isinstance(layer, keras.layers.RandomCrop)  # by Keras, if none is given
        if drawn or getattr(layer, "seed", None) is None:
            for generator in layer._seed_generators:
                own = seed_from(seeds)
                generator.state.assign((own, 0))
                # Without it Keras on PyTorch draws by the numbers of the process.
                generator._initial_seed = own
