"""What a temperature, fitted on validation images, makes of the probabilities."""

import warnings
from dataclasses import dataclass

from cifarkit import metrics
from cifarkit._types import Floats
from cifarkit.calibration import rescaled, temperature
from cifarkit.datasets import Splits
from cifarkit.evaluation import Evaluation, probabilities
from cifarkit.report._blocks import Block, Text
from cifarkit.training import TrainResult


@dataclass(frozen=True)
class Calibrated:
    """A temperature, and what the test images say of it.

    Attributes:
        temperature: fitted on the validation images alone.
        ece: the expected calibration error with it, on the test images.
        loss: the cross-entropy with it, on the test images, in nats.
    """

    temperature: float
    ece: float
    loss: float


def calibrated(
    result: TrainResult, evaluation: Evaluation, data: Splits, rows: Floats
) -> Calibrated | None:
    """Return what a temperature does.

    None where none fits the validation images, as where all of them are right, and
    where images and their mirror images were averaged: a mean of two answers has no
    logits.

    Args:
        result: what was trained.
        evaluation: of the test images.
        data: its images.
        rows: what the model gives for the test images.
    """
    known = data.validation
    if evaluation.tta or not len(known):
        return None
    given = probabilities(result.model, known.images)
    with warnings.catch_warnings(record=True, action="always") as warned:
        found = temperature(known.labels, given)
    if warned:  # that none fits
        return None
    labels, softer = data.test.labels, rescaled(rows, found)
    return Calibrated(
        temperature=found,
        ece=metrics.calibration_error(labels, softer),
        loss=metrics.cross_entropy(labels, softer),
    )


def calibration(found: Calibrated | None, evaluation: Evaluation) -> list[Block]:
    """Say what a temperature does; nothing of none."""
    if found is None:
        return []
    given = f"{found.temperature:.2f}"
    advice = (
        "Where the network ends in a dense layer and a softmax, "
        f"export(..., temperature={given}) puts it into a file."
    )
    worse = found.loss > evaluation.loss or found.ece > evaluation.ece
    if worse or f"{found.loss:.4f}" == f"{evaluation.loss:.4f}":
        advice = "It is no clear gain: too few validation images may be the reason."
    return [
        Text(
            f"Of temperatures, {given} fits the validation images best. The logits "
            f"divided by it have a calibration error of {found.ece:.4f} instead of "
            f"{evaluation.ece:.4f} on the test images, and a loss of {found.loss:.4f} "
            f"instead of {evaluation.loss:.4f}; no image changes its class. {advice}"
        )
    ]
