"""What `fit` would do, as a value that prints well."""

from dataclasses import dataclass
from typing import Any

from cifarkit._numbers import counted
from cifarkit.training._inputs import Data
from cifarkit.training._learnt import Learnt, learnt, parameters
from cifarkit.training._logistic import UNCHOSEN
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase
from cifarkit.training._timing import Timing


@dataclass(frozen=True)
class PhasePlan:
    """What one phase would do.

    Args:
        phase: its settings.
        steps: steps per epoch.
        batch: images per step, or in words that the data set says it itself.
        backbone: which of its layers learn.
        parameters: parameters that learn, and all of the network.
        how: what the phase learns from, in words.
        kept: whether that is kept activations; if not, it trains live.
        timing: forecast of its time, measured over 20 steps; None if the plan was made
            without measuring.
    """

    phase: Phase
    steps: int
    batch: str
    backbone: Learnt
    parameters: tuple[int, int]
    how: str
    kept: bool
    timing: Timing | None

    def __str__(self) -> str:
        learn, total = self.parameters
        lines = [
            *self._steps(),
            f"backbone: {self.backbone}",
            f"parameters: {learn:,} of {total:,} learn",
            f"training: {self.how}",
        ]
        if self.timing is not None:
            lines.append(f"time: {self.timing}")
        return "\n".join(f"  {line}" for line in lines)

    def _steps(self) -> tuple[str, ...]:
        phase = self.phase
        if phase.solved:
            chosen = f"chosen on the validation images, or {UNCHOSEN:g} without any"
            return (f"L-BFGS to the optimum, L2 {chosen}",)
        epochs, steps = counted(phase.epochs, "epoch"), counted(self.steps, "step")
        return (
            f"{epochs} of {steps}, batches of {self.batch}",
            f"{_name(phase.optimizer)} at {phase.learning_rate:g}, {phase.schedule}",
        )


@dataclass(frozen=True)
class Plan:
    """What `TwoPhaseTrainer.fit` would do, without doing it.

    Args:
        title: the network, and the size that it sees.
        images: how many images there are to learn from, and to choose by.
        classes: how many classes there are.
        augmentation: what happens to a training image, in words.
        phases: the phases in order.
    """

    title: str
    images: tuple[int, int]
    classes: int
    augmentation: str
    phases: tuple[PhasePlan, ...]

    def __str__(self) -> str:
        train, validation = self.images
        head = [
            self.title,
            f"{train:,} training and {validation:,} validation images",
            f"{self.classes} classes; augmentation: {self.augmentation}",
        ]
        numbered = enumerate(self.phases, start=1)
        return "\n".join([*head, *(f"phase {n}\n{each}" for n, each in numbered)])


def phase_plan(
    network: Network,
    phase: Phase,
    data: Data,
    how: str,
    *,
    kept: bool,
    timing: Timing | None,
) -> PhasePlan:
    """Return the plan of a phase whose `trainable` flags are set already."""
    return PhasePlan(
        phase=phase,
        steps=data.train.feed(phase, draws=0, key=None).steps,
        batch="the data set's own size" if data.streamed else str(phase.batch_size),
        backbone=learnt(network, phase),
        parameters=parameters(network.model),
        how=how,
        kept=kept,
        timing=timing,
    )


def _name(optimizer: Any) -> str:
    return optimizer if isinstance(optimizer, str) else type(optimizer).__name__
