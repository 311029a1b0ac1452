"""What stops a training that cannot go on, and says why."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from cifarkit._errors import NotFinite, OutOfMemory
from cifarkit._types import Model
from cifarkit.training._fed import Fed

_WORDS = ("RESOURCE_EXHAUSTED", "OOM when", "out of memory")


class Finite(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Names the step of a loss that is no number, and has the epoch's first weights.

    Where a run goes on within an epoch, those are the weights that it goes on with.
    A loss is looked at when the step behind its own is on its way, so that a GPU need
    not wait for it.

    Args:
        number: of the phase, from 1.
        fed: the model that is fitted.
    """

    def __init__(self, number: int, fed: Fed) -> None:
        super().__init__()
        # Not self.model: on JAX, that would write the state back in every step.
        self._number, self._fed = number, fed
        self._epoch, self._done = 0, 0
        self._good: list[Any] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._done = epoch, 0
        self._fed.reached.clear()
        # Copies: on JAX, NumPy looks at the very memory that a step gives away.
        self._good = [np.array(each) for each in self.model.get_weights()]

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._done = batch
        self._check(newest=1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._done += 1
        self._check(newest=0)

    def restore(self, model: Model) -> None:
        """Give a model the weights that the epoch began with."""
        model.set_weights(self._good)

    def _check(self, newest: int) -> None:
        """Look at the losses of the steps that are done, less the newest ones."""
        losses = self._fed.reached
        while len(losses) > newest:
            step, loss = self._done + 1 - len(losses), float(losses.popleft())
            if not np.isfinite(loss):
                self._stop(loss, step)

    def _stop(self, loss: float, step: int) -> None:
        error = NotFinite(
            f"Expected a finite loss; phase {self._number} reached {loss} in epoch "
            f"{self._epoch + 1}, step {step}. Lower its learning_rate, or set "
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
