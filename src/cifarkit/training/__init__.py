"""Training: model and data in, a result out, in one or two phases."""

from cifarkit._errors import NotFinite, OutOfMemory
from cifarkit.training._learnt import Learnt
from cifarkit.training._phase import Phase
from cifarkit.training._plan import PhasePlan, Plan
from cifarkit.training._result import PhaseResult, TrainResult
from cifarkit.training._trainer import PHASE_1, PHASE_2, TwoPhaseTrainer

__all__ = [
    "PHASE_1",
    "PHASE_2",
    "Learnt",
    "NotFinite",
    "OutOfMemory",
    "Phase",
    "PhasePlan",
    "PhaseResult",
    "Plan",
    "TrainResult",
    "TwoPhaseTrainer",
]
