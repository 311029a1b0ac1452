"""What somebody else reported, beside what was measured here."""

import math
from collections.abc import Mapping
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_number
from cifarkit.evaluation import Evaluation
from cifarkit.report._blocks import Block, Heading, Table, Text
from cifarkit.report._quality import PENALISED
from cifarkit.training import TrainResult

_CLAIMED = {"accuracy": (0.0, 1.0), "loss": (-math.inf, math.inf), "gap": (-1.0, 1.0)}
_BESIDE = ("penalised", "note")  # what a claim has beside figures


def check_claims(claimed: Mapping[str, Any] | None) -> None:
    """Refuse claims that nothing here can be compared with.

    Raises:
        InvalidArgument: an unknown figure, or one outside of what it can be.
    """
    for name, value in (claimed or {}).items():
        if name in _BESIDE or (name in _CLAIMED and value is None):
            continue
        low, high = _CLAIMED.get(name, (1.0, 0.0))  # an unknown name fits nothing
        if not is_number(value) or not low <= value <= high:
            raise InvalidArgument(
                "Expected claimed accuracy in [0, 1], loss, or gap in [-1, 1]; "
                f"received {name}={value!r}. Give 90 % as 0.9."
            )


def claims(
    claimed: Mapping[str, Any], evaluation: Evaluation, result: TrainResult
) -> list[Block]:
    """Say what was claimed, beside what was measured; nothing of nothing."""
    penalised = bool(claimed.get("penalised"))
    loss = evaluation.objective if penalised else evaluation.loss
    measured = {"accuracy": evaluation.accuracy, "loss": loss, "gap": result.gap}
    rows = [
        (
            PENALISED if penalised and name == "loss" else name,
            _told(name, claimed[name]),
            _told(name, figure),
        )
        for name, figure in measured.items()
        if claimed.get(name) is not None
    ]
    if not rows:
        return []
    blocks: list[Block] = [Heading("Comparison with the claim")]
    blocks.append(Table(("figure", "claimed", "measured here"), tuple(rows)))
    accuracy, note = claimed.get("accuracy"), claimed.get("note")
    if accuracy is not None:
        blocks.append(Text(_verdict(accuracy, evaluation)))
    if note:
        rough = f"about {accuracy:.0%}" if accuracy and note == "about" else note
        blocks.append(Text(f"In the words of the claim: {rough}."))
    return blocks


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
