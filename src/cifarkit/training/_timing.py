"""How long a phase would take: 20 real steps on a network that is thrown away."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import keras

from cifarkit.training._network import Network
from cifarkit.training._phase import Phase
from cifarkit.training._resident import on_device
from cifarkit.training._running import compiled
from cifarkit.training._stage import Stage

STEPS = 20
_WARM = 5


@dataclass(frozen=True)
class Timing:
    """Forecast of the time of a phase, in seconds, without its validation.

    Args:
        live: an epoch of training live.
        kept: an epoch of training from kept activations, or None if none are.
        ahead: computing those activations, where the store does not hold them already
            and no earlier phase computes them.
    """

    live: float
    kept: float | None = None
    ahead: float = 0.0

    def whole(self, epochs: int) -> float:
        """Return the forecast for a phase of so many epochs."""
        return self.ahead + epochs * (self.live if self.kept is None else self.kept)

    def __str__(self) -> str:
        if self.kept is None:
            return f"{self.live:.0f} s per epoch"
        before = f"{self.ahead:.0f} s ahead, then " if self.ahead else ""
        return f"{before}{self.kept:.0f} s per epoch; live {self.live:.0f} s per epoch"


def seconds_per_epoch(network: Network, stage: Stage, phase: Phase) -> float:
    """Return the forecast for one epoch; it changes the network's weights."""
    stage = on_device(stage, phase, seen=True)
    model = compiled(network, stage, phase)
    feed = stage.data.train.feed(phase, draws=stage.policy.draws, key=(0, 0))
    watch = _Watch()
    model.fit(feed.batches, epochs=1, verbose=0, shuffle=False, callbacks=[watch])
    spans = [b - a for a, b in zip(watch.ends, watch.ends[1:], strict=False)]
    # The first step is compiled: it counts where there is no other.
    return median(spans[_WARM:] or spans[1:] or spans) * feed.steps


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Notes when steps end, and stops after enough of them."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())
        self.model.stop_training = len(self.ends) > STEPS
