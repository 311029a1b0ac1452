"""CK101 and CK102: what learns, and what only seems to be frozen."""

from collections.abc import Iterator, Sequence
from typing import Any

from cifarkit import models
from cifarkit._types import Layer, Model
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import Place, graph_of, is_convolution, places
from cifarkit.training import Phase
from cifarkit.training._freezing import is_batch_norm, leaves

_FEW = 8


def changed_after_compile(case: Case) -> Iterator[Finding]:
    """CK101: the optimizer was built for other variables than those that now learn.

    Before the optimizer is built, which the first step of `fit` does, nothing can be
    seen, and nothing is wrong: Keras looks at the flags in that first step.
    """
    optimizer = getattr(case.plain, "optimizer", None)
    built_for = getattr(optimizer, "_trainable_variables", None)
    if case.plain is None or not built_for:
        return
    now = {id(each): each for each in case.plain.trainable_variables}
    then = {id(each): each for each in built_for}
    thawed = [each for key, each in now.items() if key not in then]
    frozen = [each for key, each in then.items() if key not in now]
    traced = getattr(case.plain, "train_function", None) is not None
    if thawed or (frozen and traced):
        yield Finding(
            "CK101",
            "error",
            "Trainable flags changed after compile",
            _changes(thawed, frozen, traced),
            "Call compile() again, with a new optimizer, after every change of "
            "`trainable`.",
        )


def _changes(thawed: Sequence[Any], frozen: Sequence[Any], traced: bool) -> str:
    said = []
    if thawed:
        does = "goes on without them, silently" if traced else "stops at them"
        said.append(f"{_some(thawed)} now should learn, but fit {does}.")
    if frozen and traced:
        said.append(f"{_some(frozen)} now should be frozen, but fit still changes it.")
    return " ".join(said)


def _some(variables: Sequence[Any]) -> str:
    return f"{len(variables)} variables ({variables[0].path} ...)"


def batch_norm(case: Case) -> Iterator[Finding]:
    """CK102: batch norms whose statistics move although they seem to be frozen."""
    graph = graph_of(case.plain)
    if graph:
        yield from _held_by_call(graph)
        yield from _before_what_learns(graph)
    yield from _small_batches(case)


def _held_by_call(graph: Model) -> Iterator[Finding]:
    for model in _models(graph):
        for node in models.calls(model)[::-1]:
            moving = [each for each in leaves(node.operation) if _moves(each)]
            if moving and node.arguments.kwargs.get("training") is False:
                yield Finding(
                    "CK102",
                    "warning",
                    "training=False does not hold batch norm",
                    f"{node.operation.name!r} is called with training=False, but "
                    f"{len(moving)} of its batch norms are trainable, and fit "
                    "overrides the call: their statistics will move.",
                    "Set layer.trainable = False on each batch norm, then compile.",
                )


def _before_what_learns(graph: Model) -> Iterator[Finding]:
    """Batch norms of feature maps that move in front of all convolutions that learn."""
    seen: list[Place] = []
    frozen, learns = 0, False
    for place in places(graph):
        if is_convolution(place.layer):
            if learns := place.layer.trainable:
                break
            frozen = len(seen)
        seen.append(place)
    if not learns:  # what lies behind the last convolution may be of the head
        seen = seen[:frozen]
    moving = [each for each in seen if _moves(each.layer) and _is_map(each)]
    # One alone may belong to the first block that learns, cut from its convolution.
    if frozen and len(moving) > learns:
        yield Finding(
            "CK102",
            "warning",
            "Batch norms move in the frozen part",
            f"{len(moving)} batch norms, from {moving[0].layer.name!r} on, are "
            "trainable before the first convolution that learns. Their statistics "
            "drift away from the frozen weights around them.",
            "Freeze them too: layer.trainable = False, then compile.",
        )


def _small_batches(case: Case) -> Iterator[Finding]:
    for where, batch in _batches(case):
        if batch < _FEW:
            yield Finding(
                "CK102",
                "warning",
                "Batch norm learns from very small batches",
                f"In {where}, batch norms take their statistics from {batch} images "
                "at a time, which are too few to estimate a mean and a variance.",
                f"Use batches of {_FEW} or more, or freeze batch norm.",
            )


def _batches(case: Case) -> Iterator[tuple[str, int]]:
    for number, plan in enumerate(case.plan.phases if case.plan else (), start=1):
        if plan.backbone.batch_norms[0] or _beside_backbone(case, plan.phase):
            yield f"phase {number}", case.train.batch or plan.phase.batch_size
    moving = any(map(_moves, leaves(case.plain))) if case.plain is not None else False
    if moving and case.train.batch and len(case.train) >= _FEW:
        yield "this training", case.train.batch


def _beside_backbone(case: Case, phase: Phase) -> bool:
    """Whether batch norms of a head learn, or those of a network without a backbone."""
    if case.course is None:
        return False
    if case.course.head is not None:
        return bool(case.course.head.batch_norm and phase.train_head)
    return any(map(_moves, leaves(case.model)))


def _models(graph: Model) -> Iterator[Model]:
    yield graph
    for node in models.calls(graph)[::-1]:
        if inner := graph_of(node.operation):
            yield from _models(inner)


def _moves(layer: Layer) -> bool:
    return is_batch_norm(layer) and layer.trainable


def _is_map(place: Place) -> bool:
    return len(place.tensor.shape) == 4
