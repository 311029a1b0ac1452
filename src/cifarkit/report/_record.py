"""A report as JSON, for other programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from cifarkit._numbers import is_number
from cifarkit._types import Json
from cifarkit.datasets import Splits, channels
from cifarkit.evaluation import Evaluation
from cifarkit.report._calibrated import Calibrated
from cifarkit.report._opening import parts
from cifarkit.report._twins import Apart
from cifarkit.training import TrainResult


def record(
    result: TrainResult,
    evaluation: Evaluation,
    data: Splits,
    *,
    claimed: Mapping[str, Any] | None,
    calibrated: Calibrated | None,
    apart: Apart | None,
    notes: Sequence[str],
) -> str:
    """Return all that a report is made of, but its pictures."""
    told = {
        "training": result.to_dict(),
        "evaluation": evaluation.to_dict(),
        "data": _described(data),
        "claimed": _plain(claimed or {}),
        "calibration": calibrated and asdict(calibrated),
        "twins": apart and asdict(apart),
        "notes": list(notes),
    }
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Return claims with figures that JSON has, whatever numbers they were."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return float(value) if is_number(value) else value


def _described(data: Splits) -> Json:
    """Return what the images are like, as JSON values."""
    names = data.train.class_names
    counts = {
        part: np.bincount(split.labels, minlength=len(names)).tolist()
        for part, split in parts(data).items()
    }
    return {
        "source": data.source,
        "class_names": list(names),
        "images_per_class": counts,
        "channels": {
            each.name: {"mean": each.mean, "deviation": each.deviation}
            for each in channels(data.train)
        },
    }
