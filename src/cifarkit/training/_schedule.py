"""A rate that goes up and down in straight lines."""

import keras
from keras import ops

from cifarkit._types import Json, Tensor


@keras.saving.register_keras_serializable(package="cifarkit")
class Linear(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A linear warm-up, then a straight line down (Smith 2018, arXiv:1803.09820).

    Args:
        peak: the highest rate.
        steps: of the whole.
        warm: steps in which it rises.
        floor: where it begins and ends, as a share of the peak.
    """

    def __init__(self, peak: float, steps: int, *, warm: int, floor: float) -> None:
        self._peak, self._steps = peak, steps
        self._warm, self._floor = warm, floor

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate of a step, counted from 0."""
        place = ops.cast(step, "float32")
        up = place / max(1, self._warm)
        down = (self._steps - place) / max(1, self._steps - self._warm)
        share = ops.clip(ops.where(place < self._warm, up, down), 0.0, 1.0)
        return self._peak * (self._floor + (1.0 - self._floor) * share)

    def get_config(self) -> Json:
        """Return the arguments that make the same schedule again."""
        return {
            "peak": self._peak,
            "steps": self._steps,
            "warm": self._warm,
            "floor": self._floor,
        }
