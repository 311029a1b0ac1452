"""One pass of images through a frozen backbone, timed."""

import time
from dataclasses import dataclass
from typing import final

import numpy as np

from cifarkit._types import Floats, Images, Labels, Model
from cifarkit.activations import PLAIN, Activations, Cache, Views, extract


@dataclass(frozen=True, eq=False)
class Pass:
    """What came of a pass.

    Args:
        activations: the features.
        rate: images per second, the preparation aside; None if nothing was computed.
    """

    activations: Activations
    rate: float | None

    def features(self) -> Floats:
        """Return the features, float32, shape `(N, F)`."""
        return self.activations.view(0).astype(np.float32)


def passed(network: Model, images: Images, cache: Cache | None) -> Pass:
    """Return the features of images, from disk or from a pass that is timed."""
    watched = _Watched()
    activations = extract(network, images, watched, cache=cache)
    # The first batch that is asked for is a sample, by which the engine is chosen.
    batches = watched.asked[1:]
    if not batches:
        return Pass(activations, None)
    seconds = time.perf_counter() - batches[0][0]
    return Pass(activations, sum(count for _, count in batches) / seconds)


@final
class _Watched(Views):
    """The images as they are; notes when each batch was asked for, and its length."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(PLAIN)

    @property
    def draws(self) -> int:
        """As of plain images."""
        return PLAIN.draws

    @property
    def text(self) -> str:
        """As of plain images, whose key is meant."""
        return PLAIN.text

    def show(self, images: Images, view: int, start: int) -> Images:
        """Return the images."""
        self.asked.append((time.perf_counter(), len(images)))
        return images

    def choose(self, noise: Floats) -> Labels:
        """Return the only view."""
        return PLAIN.choose(noise)
