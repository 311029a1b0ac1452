"""What `fit` would do, as a value that prints well."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifarkit.training._freezing import is_batch_norm, leaves
from cifarkit.training._inputs import Data
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
        layers: backbone layers that learn, and all that there are.
        first: name of the first backbone layer that learns, or None.
        block: the block of that layer, or None.
        parameters: parameters that learn, and all of the network.
        batch_norms: batch-norm layers of the backbone that learn, and all.
        how: what the phase learns from, in words.
        kept: whether that is kept activations; if not, it trains live.
        timing: forecast of its time, measured over 20 steps; None if the plan was made
            without measuring.
    """

    phase: Phase
    steps: int
    batch: str
    layers: tuple[int, int]
    first: str | None
    block: str | None
    parameters: tuple[int, int]
    batch_norms: tuple[int, int]
    how: str
    kept: bool = False
    timing: Timing | None = None

    def __str__(self) -> str:
        learn, total = self.parameters
        lines = [
            *self._steps(),
            f"backbone: {self._backbone()}",
            f"parameters: {learn:,} of {total:,} learn",
            f"training: {self.how}",
        ]
        if self.timing is not None:
            lines.append(f"time: {self.timing}")
        return "\n".join(f"  {line}" for line in lines)

    def _steps(self) -> tuple[str, ...]:
        phase = self.phase
        if phase.solved:
            return ("L-BFGS to the optimum, L2 chosen on the validation images",)
        return (
            f"{phase.epochs} epochs of {self.steps} batches of {self.batch}",
            f"{_name(phase.optimizer)} at {phase.learning_rate:g}, {phase.schedule}",
        )

    def _backbone(self) -> str:
        (learn, total), (tuned, norms) = self.layers, self.batch_norms
        if not total:
            return "none, the whole network learns"
        if not learn:
            return f"all {total} layers frozen"
        where = f"{self.first} ({self.block})" if self.block else self.first
        return (
            f"{learn} of {total} layers learn, from {where}; "
            f"batch norm: {tuned} tuned, {norms - tuned} frozen"
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
    mask: Sequence[bool],
    data: Data,
    how: str,
    *,
    kept: bool,
    timing: Timing | None,
) -> PhasePlan:
    """Return the plan of a phase whose `trainable` flags are set already."""
    first = mask.index(True) if any(mask) else None
    name = None if first is None else network.body[first].name
    norms = [
        leaf for each in network.body for leaf in leaves(each) if is_batch_norm(leaf)
    ]
    return PhasePlan(
        phase=phase,
        steps=data.train.feed(phase, draws=0, key=None).steps,
        batch=str(phase.batch_size) if data.digest else "the data set's own size",
        layers=(sum(mask), len(mask)),
        first=name,
        block=None if name is None else network.block_of(name),
        parameters=(
            _count(network.model.trainable_weights),
            _count(network.model.weights),
        ),
        batch_norms=(sum(norm.trainable for norm in norms), len(norms)),
        how=how,
        kept=kept,
        timing=timing,
    )


def _count(weights: Sequence[Any]) -> int:
    return int(sum(np.prod(weight.shape) for weight in weights))


def _name(optimizer: Any) -> str:
    return optimizer if isinstance(optimizer, str) else type(optimizer).__name__
