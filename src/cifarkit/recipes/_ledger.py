"""What came out of a recipe beside what its project claimed, as JSON values."""

import math
from typing import Any

from cifarkit._types import Json
from cifarkit.evaluation import Evaluation
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import TrainResult

_COMMON = ("machine", "device", "versions", "when", "seed")


def ledger_row(
    recipe: Recipe,
    result: TrainResult,
    evaluation: Evaluation,
    *,
    command: str,
    seconds: float,
) -> Json:
    """Return a recipe's row of the ledger.

    Args:
        recipe: what was run.
        result: what its training gave.
        evaluation: of the test images.
        command: the command line that made both.
        seconds: of all of it: data, features, training, evaluation.

    Returns:
        What was claimed and measured, with the interval, and all that led to it.
        `gap` is training less validation accuracy of the kept epoch; `objective` is
        the loss with the penalties on weights, which some projects report as loss.
    """
    measured = {
        "accuracy": evaluation.accuracy,
        "loss": evaluation.loss,
        "gap": _known(result.gap),
        "objective": evaluation.objective,
    }
    return {
        "command": command,
        **{key: result.provenance[key] for key in _COMMON},
        "recipe": recipe.name,
        "system": recipe.system,
        "variant": recipe.variant,
        "claimed": recipe.claimed.to_dict(),
        "measured": measured,
        "interval": list(evaluation.interval),
        "seconds": seconds,
        "assumed": list(recipe.assumed),
        "notes": list(recipe.notes),
        "images": str(recipe.images),
        "provenance": result.provenance,
        "training": result.to_dict()["phases"],
        "kept": result.kept,
        "evaluation": evaluation.to_dict(),
    }


def _known(value: float) -> Any:
    return None if math.isnan(value) else value
