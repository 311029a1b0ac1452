"""What training gives back: the model, what each phase did, and how it came about."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit import models
from cifarkit._errors import CorruptFile, InvalidArgument
from cifarkit._types import Json, Model
from cifarkit.training import _saving

History = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class PhaseResult:
    """What one phase did.

    Args:
        history: loss, accuracy and further metrics per epoch, by their Keras names.
        seconds: wall-clock time of the phase, compilation included.
        kept_epoch: the epoch, from 0, whose weights the phase ended with.
        weights: those weights, in the order of the model's.
        features: wall-clock time, in seconds, of what was computed ahead for the phase.
        engine: what computed it, or `"live"` if nothing was.
        learnt: in words, which layers of the backbone; empty if that was not kept.
    """

    history: History
    seconds: float
    kept_epoch: int
    weights: tuple[NDArray[Any], ...] = field(repr=False)
    features: float = 0.0
    engine: str = "live"
    learnt: str = ""

    @property
    def validation_accuracy(self) -> float:
        """Validation accuracy of the kept epoch; NaN without validation images."""
        values = self.history.get("val_accuracy")
        return math.nan if values is None else values[self.kept_epoch]

    @property
    def gap(self) -> float:
        """Training accuracy less validation accuracy of the kept epoch, or NaN.

        As Keras logs them: training images augmented and with dropout, while the
        weights still change in the epoch. Of a head fitted by L-BFGS both are those of
        the finished head, over all views and without dropout.
        """
        values = self.history.get("accuracy")
        if values is None:
            return math.nan
        return float(values[self.kept_epoch] - self.validation_accuracy)

    def to_dict(self) -> Json:
        """Return everything but the weights, as JSON values."""
        return {
            "history": {name: list(each) for name, each in self.history.items()},
            "seconds": self.seconds,
            "kept_epoch": self.kept_epoch,
            "features": self.features,
            "engine": self.engine,
            "learnt": self.learnt,
        }

    @classmethod
    def from_dict(
        cls, values: Json, weights: tuple[NDArray[Any], ...]
    ) -> "PhaseResult":
        """Return the phase that `to_dict` described, with its weights."""
        history = {
            name: tuple(map(_number, each)) for name, each in values["history"].items()
        }
        return cls(**{**values, "history": history, "weights": weights})


@dataclass(frozen=True, eq=False, repr=False)
class TrainResult:
    """A trained model and the record of its training.

    Args:
        model: a `keras.Model`: raw RGB in [0, 255] in, of any size where there is a
            backbone; probabilities out. It holds built-in layers only, so that its
            `.keras` file loads where cifarkit is not installed.
        phases: what each phase did, in order; every phase keeps its own weights.
        kept: the number, from 1, of the phase whose weights `model` has.
        provenance: data, weights, settings, versions and machine, as JSON values.
    """

    model: Model
    phases: tuple[PhaseResult, ...]
    kept: int
    provenance: Json

    def __repr__(self) -> str:
        scores = [f"{phase.validation_accuracy:.2%}" for phase in self.phases]
        return (
            f"TrainResult({self.model.name}, phases={len(self.phases)}, "
            f"validation={', '.join(scores)}, kept={self.kept})"
        )

    @property
    def gap(self) -> float:
        """The gap of the kept phase: see `PhaseResult.gap`."""
        return self.phases[self.kept - 1].gap

    @property
    def history(self) -> dict[str, list[Any]]:
        """The phases' histories as one; `"phase"` tells them apart, from 1.

        A metric that a phase does not have is None in its epochs.
        """
        names = dict.fromkeys(name for phase in self.phases for name in phase.history)
        joined: dict[str, list[Any]] = {name: [] for name in ("phase", *names)}
        for number, phase in enumerate(self.phases, start=1):
            epochs = len(phase.history["loss"])
            joined["phase"] += [number] * epochs
            for name in names:
                joined[name] += phase.history.get(name, (None,) * epochs)
        return joined

    def model_after(self, phase: int) -> Model:
        """Return a copy of the model as it was after a phase.

        Args:
            phase: the number of the phase, from 1.

        Raises:
            InvalidArgument: there is no such phase.
        """
        if phase not in range(1, len(self.phases) + 1):
            raise InvalidArgument(
                f"Expected a phase from 1 to {len(self.phases)}; received {phase!r}."
            )
        return models.copy_of(self.model, self.phases[int(phase) - 1].weights)

    def to_dict(self) -> Json:
        """Return everything but model and weights, as JSON values; NaN is None."""
        values: Json = _saving.finite(
            {
                "kept": self.kept,
                "phases": [phase.to_dict() for phase in self.phases],
                "provenance": self.provenance,
            }
        )
        return values

    def save(self, folder: str | Path) -> Path:
        """Write the result into a folder; `model.keras` in it is the model.

        An earlier result there is replaced only after the new one is written whole.

        Returns:
            The folder.

        Raises:
            InvalidArgument: `folder` is a file, or holds a `result.json` of others.
            WriteError: the disk is full, or the folder cannot be written.
        """
        weights = [phase.weights for phase in self.phases]
        _saving.write(Path(folder), self.model, weights, self.to_dict())
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "TrainResult":
        """Return the result that `save` wrote into a folder.

        Raises:
            CorruptFile: a file is missing, changed or unreadable.
        """
        model, weights, record = _saving.read(Path(folder))
        try:
            phases = tuple(
                PhaseResult.from_dict(each, own)
                for each, own in zip(record["phases"], weights, strict=True)
            )
        except TypeError as error:  # a field too many, or too few
            raise CorruptFile(
                f"Expected a result of this version of cifarkit in {folder}; received "
                f"one of another ({error}). Load it with the version that saved it."
            ) from error
        return cls(model, phases, record["kept"], record["provenance"])


def _number(value: Any) -> Any:
    """Return a metric's value, or list of values, in which JSON has None for NaN."""
    if isinstance(value, list):
        return [_number(each) for each in value]
    return math.nan if value is None else value


def better(phases: Sequence[PhaseResult]) -> int:
    """Return the number, from 1, of the phase to keep.

    That is the one with the best validation accuracy, the later one of equals; without
    validation images the last. Keras' own early stopping forgets its best at each
    `fit`, so that a second phase that harms would be kept.
    """
    scores = [phase.validation_accuracy for phase in phases]
    if np.isnan(scores).any():
        return len(phases)
    return 1 + max(range(len(phases)), key=lambda index: (scores[index], index))
