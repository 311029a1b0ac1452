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
    """Raises in the step whose loss is not finite; keeps the epoch's first weights.

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
        self._check((logs or {}).get("loss", 0.0), f"step {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._check((logs or {}).get("loss", 0.0), "its end")

    def restore(self, model: Model) -> None:
        """Give a model the weights that the epoch began with."""
        model.set_weights(self._good)

    def _check(self, loss: Any, place: str) -> None:
        loss = float(loss)
        if np.isfinite(loss):
            return
        error = NotFinite(
            f"Expected a finite loss; phase {self._number} reached {loss} in epoch "
            f"{self._epoch + 1}, {place}. Lower its learning_rate, or set "
            "clip_norm=1.0. The model of this error has the weights with which this "
            "process began the epoch."
        )
        error.model = self.model.network
        raise error


class FiniteLater(Finite):
    """Looks at a loss when the next step is on its way, so that no step waits for it.

    For where nothing is made of a step before the next one: no state is kept, no other
    callback wants its end.

    Args:
        number: of the phase, from 1.
        fed: the model that is fitted.
    """

    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end

    def __init__(self, number: int, fed: Fed) -> None:
        super().__init__(number)
        # Not self.model: on JAX, that would write the state back in every step.
        self._fed, self._seen = fed, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch)
        self._fed.reached.clear()
        self._seen = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._look(newest=1)

    def on_test_begin(self, logs: Any = None) -> None:
        self._look(newest=0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._look(newest=0)
        super().on_epoch_end(epoch, logs)

    def _look(self, newest: int) -> None:
        """Look at the losses that are there, less the newest ones."""
        while len(self._fed.reached) > newest:
            self._seen += 1
            step = min(self._seen * self._fed.together, self._fed.steps)
            place = f"step {step}" if self._fed.together == 1 else f"by step {step}"
            self._check(self._fed.reached.popleft(), place)


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
