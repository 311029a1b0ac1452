"""What somebody else reported, beside what was measured here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_number
from cifarkit.evaluation import Evaluation
from cifarkit.report._blocks import Block, Heading, Table, Text
from cifarkit.report._quality import PENALISED
from cifarkit.training import TrainResult

_CLAIMED = {"accuracy": (0.0, 1.0), "loss": (-math.inf, math.inf), "gap": (-1.0, 1.0)}
_BESIDE = ("f1", "penalised", "rough", "note")  # what a claim has beside figures


def check_claims(claimed: Mapping[str, Any] | None, class_names: Sequence[str]) -> None:
    """Refuse claims that nothing here can be compared with.

    Raises:
        InvalidArgument: an unknown figure or class, or a figure outside of what it can
            be.
    """
    if claimed is not None and not isinstance(claimed, Mapping):
        raise InvalidArgument(
            f"Expected a mapping of claims; received {claimed!r:.200}. Give the "
            "to_dict() of a Claim, or a dictionary."
        )
    _check_scores((claimed or {}).get("f1") or {}, class_names)
    for name, value in (claimed or {}).items():
        if name in _BESIDE or (name in _CLAIMED and value is None):
            continue
        low, high = _CLAIMED.get(name, (1.0, 0.0))  # an unknown name fits nothing
        if not is_number(value) or not low <= value <= high:
            raise InvalidArgument(
                "Expected claimed accuracy in [0, 1], loss, gap in [-1, 1], or f1 of "
                f"classes; received {name}={value!r}. Give 90 % as 0.9."
            )


def _check_scores(scores: Any, class_names: Sequence[str]) -> None:
    known = isinstance(scores, Mapping) and set(scores) <= set(class_names)
    if not known or not all(is_number(f1) and 0 <= f1 <= 1 for f1 in scores.values()):
        raise InvalidArgument(
            f"Expected f1 in [0, 1] by class, of {', '.join(class_names)}; received "
            f"{scores!r}. Give 0.9 for a score of 90 %, and none of other classes."
        )


def claims(
    claimed: Mapping[str, Any], evaluation: Evaluation, result: TrainResult
) -> list[Block]:
    """Say what was claimed, beside what was measured; nothing of nothing."""
    penalised = bool(claimed.get("penalised"))
    loss = evaluation.objective if penalised else evaluation.loss
    measured = {"accuracy": evaluation.accuracy, "loss": loss, "gap": result.gap}
    rough = claimed.get("rough")
    rows = [
        (
            PENALISED if penalised and name == "loss" else name,
            rough if rough and name == "accuracy" else _told(name, claimed[name]),
            _told(name, figure),
        )
        for name, figure in measured.items()
        if claimed.get(name) is not None
    ]
    scores = claimed.get("f1") or {}
    if not rows and not scores:
        return []
    blocks: list[Block] = [Heading("Comparison with the claim")]
    if rows:
        blocks.append(Table(("figure", "claimed", "measured here"), tuple(rows)))
    if scores:
        blocks.append(_scores(scores, evaluation))
    accuracy, note = claimed.get("accuracy"), claimed.get("note")
    if rough and accuracy is not None:
        blocks.append(Text("The claimed accuracy is no exact figure."))
    elif accuracy is not None:
        blocks.append(Text(_verdict(accuracy, evaluation)))
    if note:
        blocks.append(Text(f"In the words of the claim: {note}."))
    return blocks


def _scores(claimed: Mapping[str, float], evaluation: Evaluation) -> Table:
    """Return F1 of single classes, beside ours in as many places as is usual."""
    found = {each.name: each.f1 for each in evaluation.per_class}
    rows = [(name, f"{f1:.2f}", f"{found[name]:.2f}") for name, f1 in claimed.items()]
    return Table(("F1 of a class", "claimed", "measured here"), tuple(rows))


def _told(name: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    units = {"accuracy": f"{value:.2%}", "gap": f"{100 * value:.2f} points"}
    return units.get(name, f"{value:.4f}")


def _verdict(accuracy: float, evaluation: Evaluation) -> str:
    low, high = evaluation.interval
    if low <= accuracy <= high:
        return "The claimed accuracy lies inside the 95 % interval of the measured one."
    side = "above" if accuracy > high else "below"
    points = 100 * abs(accuracy - evaluation.accuracy)
    return (
        f"The claimed accuracy lies {points:.2f} points {side} the measured one, "
        "outside its 95 % interval."
    )
