"""Images that stay on a GPU while a phase learns from them, for Keras on JAX."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from cifarkit._types import Floats, Labels
from cifarkit.training._batches import Feed
from cifarkit.training._devices import WHOLE
from cifarkit.training._inputs import Whole, held
from cifarkit.training._looped import Stacks
from cifarkit.training._phase import Phase
from cifarkit.training._stage import Stage

TOGETHER = 64
"""Most steps in one call, where nothing waits for the end of each."""

_SHARE = 0.25  # of the device's memory that the images may take


@dataclass(frozen=True)
class Resident:
    """Labelled images on a device, of which batches bring the positions alone.

    Args:
        images: the images.
        copy: the same on the device, uint8, shape `(N, H, W, 3)`.
        together: most steps in one call.
        size: images per batch, where a phase is not asked; None to ask it.
    """

    images: Whole
    copy: Any
    together: int
    size: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one native image."""
        return self.images.shape

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self.images.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.images.class_names

    def __len__(self) -> int:
        return len(self.images)

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        """Return its batches for a phase, in stacks; to Keras, a stack is a step."""
        if self.size:
            phase = replace(phase, batch_size=self.size)
        batches = self.images.batches(_positions, phase, draws=draws, key=key)
        stacks = Stacks(batches, self.copy, self.together)
        return replace(batches.feed(), batches=stacks)


def on_device(stage: Stage, phase: Phase, *, awaited: bool) -> Stage:
    """Return a stage whose images are on the GPU, where they can stay there.

    Args:
        stage: what a phase learns from.
        phase: the phase.
        awaited: whether something wants the end of each step.
    """
    parts = held(stage.data)
    nbytes = sum(each.split.images.nbytes for each in parts.values())
    alone = all(each.share == WHOLE for each in parts.values())
    if not parts or not alone or nbytes > _SHARE * _device_bytes():
        return stage
    together = 1 if awaited else TOGETHER
    judged = even(len(stage.data.validation or ()), phase.batch_size)
    sizes = {"train": None, "validation": judged}
    resident: dict[str, Any] = {
        name: Resident(each, _put(each), together, sizes[name])
        for name, each in parts.items()
    }
    return replace(stage, data=replace(stage.data, **resident))


def even(images: int, batch: int) -> int:
    """Return a size of batches that leaves nothing over, if one is near; or `batch`.

    What is left over is a step of another shape, which has to be compiled.
    """
    sizes = (size for size in range(4 * batch, batch - 1, -1) if images % size == 0)
    return next(sizes, batch)


def _positions(chosen: Labels, noise: Floats) -> Labels:
    return chosen.astype(np.int32)


def _put(part: Whole) -> Any:
    import jax

    return jax.device_put(part.split.images)


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
