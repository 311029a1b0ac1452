"""Evaluations as plain dictionaries, and back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from cifarkit._errors import InvalidData
from cifarkit._types import Json
from cifarkit.evaluation._mistake import Mistake
from cifarkit.metrics import ClassScore

KEYS = (
    "n",
    "tta",
    "accuracy",
    "interval",
    "loss",
    "objective",
    "ece",
    "top_k",
    "class_names",
    "per_class",
    "confusion",
    "pairs",
    "worst",
)
_ROWS = ("per_class", "pairs", "worst")


def encode(figures: Mapping[str, Any]) -> Json:
    """Return the figures under `KEYS` as lists, numbers and strings."""
    return {
        **figures,
        "interval": list(figures["interval"]),
        "top_k": {str(k): share for k, share in figures["top_k"].items()},
        "class_names": list(figures["class_names"]),
        "confusion": figures["confusion"].tolist(),
        **{key: [asdict(row) for row in figures[key]] for key in _ROWS},
    }


def decode(values: Mapping[str, Any]) -> Json:
    """Return the arguments that make the evaluation of `encode` again."""
    if set(values) != set(KEYS):
        odd = sorted(set(values) ^ set(KEYS))
        raise ValueError(f"keys that are missing or unknown: {odd}")
    return {
        "class_names": tuple(values["class_names"]),
        "confusion": np.array(values["confusion"]),
        "top_k": {int(k): share for k, share in values["top_k"].items()},
        "worst": tuple(Mistake(**mistake) for mistake in values["worst"]),
        **{key: values[key] for key in ("loss", "objective", "ece", "tta")},
    }


@contextmanager
def explained() -> Iterator[None]:
    """Turn whatever a broken dictionary raises into one error.

    Raises:
        InvalidData: the block met values that are of no evaluation.
    """
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidData(
            f"Expected the dictionary of an evaluation; received one with {error}. "
            "Give what Evaluation.to_dict() returned."
        ) from error


def columns(rows: Sequence[ClassScore]) -> dict[str, list[Any]]:
    """Return one list for each field of the rows."""
    names = [field.name for field in fields(ClassScore)]
    return {name: [getattr(row, name) for row in rows] for name in names}
