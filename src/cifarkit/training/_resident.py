"""Images that stay on a GPU while a phase learns from them, for Keras on JAX."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from cifarkit._types import Floats, Labels, Model
from cifarkit.training._batches import Feed
from cifarkit.training._devices import ALONE
from cifarkit.training._inputs import InMemory, InPlace, in_memory
from cifarkit.training._looped import Stacks
from cifarkit.training._phase import Phase
from cifarkit.training._stage import Stage

TOGETHER = 64
"""Most steps in one call, where nothing acts between them."""

_SHARE = 0.25  # of the device's memory that the images may take


@dataclass(frozen=True)
class Resident(InPlace):
    """Labelled images on a device, of which batches bring the positions alone.

    Args:
        images: the images.
        together: most steps in one call.
    """

    images: InMemory
    together: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one native image."""
        return self.images.shape

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        """Return its batches for a phase, in stacks, one for each call."""
        batches = self.images.batches(_positions, phase, draws=draws, key=key)
        stacks = Stacks(batches, self.images.on_device, self.together)
        return replace(batches.feed(), batches=stacks)


def on_device(stage: Stage, phase: Phase, *, seen: bool) -> Stage:
    """Return a stage whose images are on the GPU, where they can stay there.

    Args:
        stage: what a phase learns from.
        phase: the phase.
        seen: whether something acts before or after each step.
    """
    parts = in_memory(stage.data)
    nbytes = sum(each.split.images.nbytes for each in parts.values())
    alone = all(each.share == ALONE for each in parts.values())
    fits = nbytes <= _SHARE * _device_bytes()
    if not (parts and alone and fits and _is_compiled(stage.learner)):
        return stage
    most = 1 if seen or keras.config.max_steps_per_epoch() else TOGETHER
    together = max(1, min(most, len(stage.data.train) // phase.batch_size))
    resident: dict[str, Any] = {
        name: Resident(each, together) for name, each in parts.items()
    }
    return replace(stage, data=replace(stage.data, **resident))


def _positions(chosen: Labels, noise: Floats) -> Labels:
    return chosen.astype(np.int32)


def _is_compiled(model: Model) -> bool:
    """Whether Keras compiles its steps; what JAX cannot trace, it runs as Python."""
    return all(each.supports_jit for each in model._flatten_layers())


def _device_bytes() -> int:
    """Return the memory of the one GPU that Keras on JAX computes on, or 0."""
    divided = keras.distribution.distribution() is not None
    if keras.backend.backend() != "jax" or divided:
        return 0
    import jax

    device, *_ = jax.devices()
    if device.platform == "cpu":
        return 0
    return int((device.memory_stats() or {}).get("bytes_limit", 0))
