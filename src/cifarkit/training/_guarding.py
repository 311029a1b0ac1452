"""What stops a training that cannot go on, and says why."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from cifarkit._errors import NotFinite, OutOfMemory
from cifarkit._types import Model

_WORDS = ("RESOURCE_EXHAUSTED", "OOM when", "out of memory")


class Finite(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Raises in the very step, and remembers the weights that the epoch began with.

    Where a run goes on within an epoch, those are the weights that it goes on with.

    Args:
        number: of the phase, from 1.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self._epoch = number, 0
        self._good: list[Any] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        # Copies: on JAX, NumPy looks at the very memory that a step gives away.
        self._good = [np.array(each) for each in self.model.get_weights()]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            self._stop(float(loss), f"step {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            self._stop(float(loss), "its end")

    def restore(self, model: Model) -> None:
        """Give a model the weights that the epoch began with."""
        model.set_weights(self._good)

    def _stop(self, loss: float, place: str) -> None:
        error = NotFinite(
            f"Expected a finite loss; phase {self._number} reached {loss} in epoch "
            f"{self._epoch + 1}, {place}. Lower its learning_rate, or set "
            "clip_norm=1.0. The model of this error has the weights with which this "
            "process began the epoch."
        )
        error.model = self.model.network
        raise error


@contextmanager
def memory_named(wanted: str, advice: str) -> Iterator[None]:
    """Turn what a backend raises for want of memory into one error that helps.

    Args:
        wanted: what there has to be room for.
        advice: what to do.

    Raises:
        OutOfMemory: there is less memory than that.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not _is_of_memory(error):
            raise
        raise OutOfMemory(
            f"Expected room for {wanted}; the memory is full. {advice} "
            f"({type(error).__name__}: {error!s:.200})"
        ) from error


def _is_of_memory(error: Exception) -> bool:
    kind = type(error).__name__
    words = str(error)
    return (
        isinstance(error, MemoryError)
        or kind in ("ResourceExhaustedError", "OutOfMemoryError")
        or any(each in words for each in _WORDS)
    )
