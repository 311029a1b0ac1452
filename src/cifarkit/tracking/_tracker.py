"""What every tracker does: both phases as one course of epochs."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import keras
import numpy as np

from cifarkit._errors import InvalidArgument
from cifarkit.evaluation import Evaluation
from cifarkit.training import TrainResult

Numbers = dict[str, float]
Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracker(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """A Keras callback for one `fit`; then `finish` notes what came of it.

    Keras counts epochs anew in each phase; a tracker counts on. Where a training goes
    on from `run_dir`, the epochs of earlier processes are noted again, so that the
    record is whole. As a context manager it closes the record of a training that fails.
    """

    def __init__(self) -> None:
        super().__init__()
        self._phase, self._epoch, self._finished = 0, 0, False
        self._network: Any = None

    def on_phase_begin(self, number: int, history: Mapping[str, Sequence[Any]]) -> None:
        """Note which phase begins, and the epochs of it that were done before."""
        self._check(new=number > self._phase)
        self._phase = number
        for values in zip(*history.values(), strict=True):
            row = dict(zip(history, values, strict=True))
            self.on_epoch_end(0, {k: v for k, v in row.items() if not _missing(v)})

    def on_train_begin(self, logs: Any = None) -> None:
        """Refuse to note a second training."""
        # The phases of one fit train one network; what Keras shows is made for each.
        network = getattr(self.model, "network", self.model)
        self._check(new=self._network in (None, network))
        self._network = network

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch, counted from 1 over both phases."""
        self._epoch += 1
        numbers = {name: float(np.mean(value)) for name, value in (logs or {}).items()}
        phase = float(self._phase or 1)  # Keras' own fit has one
        self._note(self._epoch, {"phase": phase, **numbers})

    def finish(
        self,
        result: TrainResult,
        evaluation: Evaluation | None = None,
        *,
        figures: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what came of the training, and close.

        Args:
            result: from `fit`.
            evaluation: from `evaluate`, or None.
            figures: `matplotlib` figures by name, as `{"curves": viz.curves(result)}`.

        Raises:
            InvalidArgument: it was finished before, or its `with` block was left.
        """
        if self._finished:
            raise InvalidArgument(
                "Expected an open tracker; received one that is closed. Call finish "
                "once, and inside its with block."
            )
        self._close(result, evaluation, dict(figures or {}))
        self._finished = True

    def __enter__(self) -> Self:
        """Return the tracker, which closes when the block is left."""
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Close the record, if `finish` did not."""
        if not self._finished:
            status: Status = "FINISHED"
            if kind:  # what is no Exception is Ctrl-C, or an exit
                status = "FAILED" if issubclass(kind, Exception) else "KILLED"
            self._abandon(status)
            self._finished = True

    def _check(self, *, new: bool) -> None:
        if self._finished or not new:
            raise InvalidArgument(
                "Expected a new tracker for each fit; received one that has seen "
                "another training. Make another one."
            )

    @abstractmethod
    def _note(self, epoch: int, numbers: Numbers) -> None:
        """Note the numbers of an epoch."""

    @abstractmethod
    def _close(
        self,
        result: TrainResult,
        evaluation: Evaluation | None,
        figures: dict[str, Any],
    ) -> None:
        """Note the end."""

    def _abandon(self, status: Status) -> None:
        """End a record without a result; what was noted stays."""


def _missing(value: Any) -> bool:
    """Whether a history says that an epoch did not have a figure."""
    return isinstance(value, float) and math.isnan(value)


def parameters(result: TrainResult) -> dict[str, str]:
    """Return the settings of a training, flat: `phase_2.learning_rate` and the like."""
    made = result.provenance
    plain = ("network", "head", "size", "augmentation", "seed", "data_digest")
    flat = {name: made[name] for name in plain}
    for name, value in (made["backbone"] or {}).items():
        flat[f"backbone.{name}"] = value
    for number, phase in enumerate(made["phases"], start=1):
        flat |= {f"phase_{number}.{name}": value for name, value in phase.items()}
    return {name: str(value) for name, value in flat.items()}


def scores(result: TrainResult, evaluation: Evaluation | None) -> Numbers:
    """Return what came of a training in figures that are one number each."""
    gap = {} if math.isnan(result.gap) else {"gap": result.gap}
    if evaluation is None:
        return gap
    low, high = evaluation.interval
    return gap | {
        "test_accuracy": evaluation.accuracy,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": evaluation.loss,
        "test_calibration_error": evaluation.ece,
    }
