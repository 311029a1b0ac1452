"""The callback that keeps a phase in progress, and goes on where it was kept."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from cifarkit._checkpoints import Checkpoint, Checkpoints
from cifarkit._types import Json
from cifarkit.training import _memories, _snapshot
from cifarkit.training._fed import Fed
from cifarkit.training._signals import Held

SECONDS = 30.0
"""Seconds between two states that are kept, at least; `SHARE` may ask for more."""

SHARE = 0.02
"""The largest share of a training's time that is spent on keeping it."""

History = dict[str, list[Any]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keeping:
    """Where the states of a phase are kept.

    Args:
        folder: their folder, or None.
        about: JSON values that go with every state.
        newest: the state to go on from, or None.
    """

    folder: Checkpoints | None
    about: Json
    newest: Checkpoint | None


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Records the history; with a folder also keeps all else, every now and then.

    It comes behind all other callbacks, so that it sees and restores what they did.

    Args:
        fed: the model that is fitted.
        watchers: the other callbacks, whose memory is kept too.
        steps: steps per epoch.
        keeping: where states are kept, and the one to go on from.
        held: a signal that waits for the end of a step.
    """

    def __init__(
        self,
        fed: Fed,
        watchers: Sequence[Any],
        steps: int,
        *,
        keeping: Keeping,
        held: Held,
    ) -> None:
        super().__init__()
        # Not self.model: on JAX, that would write the state back in every step.
        self._fed, self._watchers, self._steps = fed, list(watchers), steps
        self._keeping, self._held = keeping, held
        self._kept = keeping.newest
        # What Keras asks of a callback that need not know when a step has ended.
        self.async_safe = keeping.folder is None
        self._epoch, self._step, self._stopped = 0, 0, False
        self._began, self.before = time.perf_counter(), 0.0
        self._due = time.monotonic() + SECONDS
        self.history: History = {}

    def continued(self, epochs: int) -> int:
        """Take up the state to go on from; return the epoch, from 0, to begin with."""
        if self._kept is None:
            return 0
        record = self._kept.record
        self.history, self.before = record["history"], record["seconds"]
        self._step = record["step"]
        return epochs if record["stopped"] else int(record["epoch"])

    @property
    def midway(self) -> bool:
        """Whether the state to go on from is from within an epoch."""
        return self._kept is not None and self._step > 0

    def on_train_begin(self, logs: Any = None) -> None:
        _memories.check(self._watchers)
        self._put_back()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        if self._kept is not None and self._step:
            self._put_back()  # again: others have begun this epoch once before
            _snapshot.put_back_metrics(self._fed, self._kept.arrays)
            self._fed.skipped = self._step
        self._kept, self._step = None, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._fed.skipped:
            self._fed.skipped -= 1  # here, behind all other callbacks
            return
        self._step = batch + 1
        if self._step < self._steps:  # the end of an epoch is kept after its validation
            self._look(self._epoch, self._step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        done = max(map(len, self.history.values()), default=0)
        found = {name: plain(value) for name, value in (logs or {}).items()}
        for name in {**self.history, **found}:  # what is missing is no number
            missing = [math.nan] * done
            self.history.setdefault(name, missing).append(found.get(name, math.nan))
        self._stopped = bool(self._fed.stop_training)
        self._look(epoch + 1, 0)

    def _put_back(self) -> None:
        if self._kept is not None:
            arrays, record = self._kept.arrays, self._kept.record
            _snapshot.put_back(self._fed, arrays)
            _memories.remind(self._watchers, arrays, record["watchers"])

    def _look(self, epoch: int, step: int) -> None:
        """Keep the state if it is time, or the last chance to do so."""
        asked = self._held.number is not None
        folder = self._keeping.folder
        if folder and (asked or time.monotonic() >= self._due):
            self._keep(folder, epoch, step)
        self._held.act()

    def _keep(self, folder: Checkpoints, epoch: int, step: int) -> None:
        began = time.monotonic()
        arrays, watchers = _memories.memories(self._watchers)
        arrays |= _snapshot.taken(self._fed)
        if not _snapshot.is_finite(self._fed):
            _log.warning("A weight is no finite number: the state is not kept.")
            self._due = time.monotonic() + SECONDS
            return
        record = {
            **self._keeping.about,
            "done": False,
            "epoch": epoch,
            "step": step,
            "stopped": self._stopped,
            "history": self.history,
            "seconds": self.before + time.perf_counter() - self._began,
            "watchers": watchers,
        }
        folder.save(arrays, record)
        ended = time.monotonic()
        self._due = ended + max(SECONDS, (ended - began) / SHARE)


def plain(value: Any) -> Any:
    """Return a number, or a list of numbers of a metric that gives several."""
    return np.asarray(value, np.float64).tolist()
