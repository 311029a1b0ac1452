"""CK110: what the training will take."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cifarkit._numbers import counted
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import places
from cifarkit.training._learnt import parameters

_BYTES = 4
_SLOTS = 3  # a gradient and two moments for each parameter that learns


def forecast(case: Case) -> Iterator[Finding]:
    """CK110: memory and time, as far as they can be said beforehand."""
    if case.model is None or not case.model.built:
        return
    lines = [*_memory(case), *_phases(case)]
    advice = "Smaller batches and images take less memory."
    if case.plan and any(each.timing is None for each in case.plan.phases):
        advice += " doctor(..., timed=True) measures 20 steps of each phase."
    yield Finding("CK110", "note", "What it will take", " ".join(lines), advice)


def _memory(case: Case) -> Iterator[str]:
    learn, total = _parameters(case)
    batch = _batch(case)
    yield f"Weights, gradients and moments: {_size(_BYTES * (total + _SLOTS * learn))}."
    if outputs := _outputs(case.model):
        size = _size(_BYTES * batch * outputs)
        yield f"All layers' outputs for {batch} images: {size}."
    if held := sum(part.nbytes for part in case.parts):
        yield f"The images in memory: {_size(held)}."


def _phases(case: Case) -> Iterator[str]:
    for number, each in enumerate(case.plan.phases if case.plan else (), start=1):
        time = ""
        if each.timing is not None:
            time = f", {each.timing.whole(each.phase.epochs):,.0f} s in all"
        epochs = counted(each.phase.epochs, "epoch")
        yield f"Phase {number}: {epochs} {each.how}{time}."


def _parameters(case: Case) -> tuple[int, int]:
    if case.plan:
        learn = max(each.parameters[0] for each in case.plan.phases)
        return learn, case.plan.phases[0].parameters[1]
    return parameters(case.model)


def _batch(case: Case) -> int:
    phases = case.course.phases if case.course else ()
    return case.train.batch or max([each.batch_size for each in phases], default=32)


def _outputs(model: Any) -> int:
    """Return how many numbers layers give for one image, where sizes are known."""
    total = 0
    for place in places(model):
        shape = tuple(place.output.shape[1:])
        if None in shape:
            continue
        total += int(np.prod(shape))
    return total


def _size(count: float) -> str:
    if count < 2**20:
        return "under 1 MiB"
    return f"{count / 2**20:,.0f} MiB" if count < 2**30 else f"{count / 2**30:,.1f} GiB"
