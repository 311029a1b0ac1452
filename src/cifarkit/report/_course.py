"""What each phase of a training did."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cifarkit._numbers import counted
from cifarkit.report._blocks import Block, Heading, Table, Text
from cifarkit.training import Phase, PhaseResult, TrainResult
from cifarkit.training._settings import AT_OPTIMUM, is_solved

_ALWAYS = ("epochs", "optimizer", "learning_rate", "schedule", "batch_size")
_UNSAID = {"weight_decay": "the optimizer's own", "bn_momentum": "each layer's own"}


def training(result: TrainResult) -> Iterator[Block]:
    """Say what each phase did, and how far its network is overfitted."""
    made = result.provenance
    yield Heading("Training")
    for number, phase in enumerate(result.phases, start=1):
        kept = " These weights are kept." if number == result.kept else ""
        told = made["head"] is not None and phase.learnt
        backbone = f" Backbone: {phase.learnt}." if told else ""
        yield Text(f"Phase {number}: {_course(phase)}.{backbone}{kept}")
    yield _settings(made["phases"])
    if not math.isnan(result.gap):
        yield Text(_overfitting(result))
    yield Text(
        f"Seed {made['seed']}, on {made['machine']} ({made['device']}), "
        f"{made['when']}. "
        f"{', '.join(f'{name} {value}' for name, value in made['versions'].items())}."
    )


def _course(phase: PhaseResult) -> str:
    epochs = counted(len(phase.history["loss"]), "epoch")
    accuracy = phase.validation_accuracy
    checked = "" if math.isnan(accuracy) else f", validation accuracy {accuracy:.2%}"
    return (
        f"{epochs} in {phase.seconds:.0f} s, {_fed(phase)}; the weights are those of "
        f"epoch {phase.kept_epoch + 1}{checked}"
    )


def _fed(phase: PhaseResult) -> str:
    """Say what a phase learnt from."""
    if phase.engine == "live":
        return "each image through the whole network"
    took = f" in {phase.features:.0f} s" if phase.features >= 0.5 else ", kept before"
    return f"on features of the frozen part by {phase.engine}{took}"


def _settings(phases: Sequence[Mapping[str, Any]]) -> Table:
    """Return the first settings of each phase, and what differs from the defaults."""
    plain = Phase().to_dict()
    told = [
        name
        for name in plain
        if name in _ALWAYS or any(each.get(name) != plain[name] for each in phases)
    ]
    head = "setting", *(f"phase {number}" for number in range(1, len(phases) + 1))
    rows = ((name, *(_value(name, phase) for phase in phases)) for name in told)
    return Table(head, tuple(rows))


def _value(name: str, phase: Mapping[str, Any]) -> str:
    """Return a setting in words; at an optimum most of them mean nothing."""
    if name not in phase or (is_solved(phase["optimizer"]) and name not in AT_OPTIMUM):
        return "-"
    value = phase[name]
    if value is None:
        return _UNSAID.get(name, "none")
    return "none" if value == [] else str(value)


def _overfitting(result: TrainResult) -> str:
    phase, made = result.phases[result.kept - 1], result.provenance["phases"]
    reached = phase.history["accuracy"][phase.kept_epoch]
    below = (
        "Both are of the finished head, without dropout."
        if is_solved(made[result.kept - 1]["optimizer"])
        else "It may lie below 0: the training accuracy is measured while the weights "
        "change, with dropout and augmentation where there are any."
    )
    return (
        f"In the epoch that was kept the training accuracy is {reached:.2%}, the "
        f"validation accuracy {phase.validation_accuracy:.2%}: an overfitting gap of "
        f"{100 * phase.gap:.2f} points. {below}"
    )
