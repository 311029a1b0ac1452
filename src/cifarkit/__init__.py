"""Composable transfer-learning parts on TensorFlow and Keras 3.

Nothing heavy is loaded here: each name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cifarkit import augment as augment
    from cifarkit import backbones as backbones
    from cifarkit import datasets as datasets
    from cifarkit import heads as heads
    from cifarkit import metrics as metrics
    from cifarkit import models as models
    from cifarkit import recipes as recipes
    from cifarkit._errors import CifarkitError as CifarkitError
    from cifarkit._probe import probe as probe
    from cifarkit.doctoring import doctor as doctor
    from cifarkit.evaluation import Evaluation as Evaluation
    from cifarkit.evaluation import evaluate as evaluate
    from cifarkit.training import Phase as Phase
    from cifarkit.training import TrainResult as TrainResult
    from cifarkit.training import TwoPhaseTrainer as TwoPhaseTrainer

_ROOMS = ("augment", "backbones", "datasets", "heads", "metrics", "models", "recipes")
_HOMES = {
    "CifarkitError": "_errors",
    "Evaluation": "evaluation",
    "Phase": "training",
    "TrainResult": "training",
    "TwoPhaseTrainer": "training",
    "doctor": "doctoring",
    "evaluate": "evaluation",
    "probe": "_probe",
}

__all__ = [
    "CifarkitError",
    "Evaluation",
    "Phase",
    "TrainResult",
    "TwoPhaseTrainer",
    "__version__",
    "augment",
    "backbones",
    "datasets",
    "doctor",
    "evaluate",
    "heads",
    "metrics",
    "models",
    "probe",
    "recipes",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"cifarkit.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"cifarkit.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'cifarkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
