"""What one phase of training is: how long, how fast, and which layers learn."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from cifarkit._errors import InvalidArgument, UnknownName
from cifarkit._registry import unknown
from cifarkit._types import Json
from cifarkit.training._numbers import require_number, require_whole

SCHEDULES = ("cosine", "constant", "plateau")
POLICIES = ("frozen", "tuned")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase of training; a trainer runs one or two of them.

    Args:
        epochs: how often the training images are seen, at least 1.
        learning_rate: the peak rate, per step.
        optimizer: a Keras name (`"adamw"`, `"sgd"`, ...), or a `keras.optimizers`
            object that gives kind and options; its rate is replaced by this phase's.
        schedule: `"cosine"` (linear warm-up, then down to 1 % of the peak),
            `"constant"`, or `"plateau"` (a tenth when the validation loss has not
            fallen for two epochs).
        warmup: share of the phase's steps in which the cosine schedule warms up.
        unfreeze: which layers of the backbone learn: a number of layers counted from
            the end, a fraction of them (a float in (0, 1]), the name of the first
            block or layer (`"block_13"`), `"conv2d"` (only Conv2D layers), `"all"`, or
            None for none.
        snap: whether a count or a fraction is moved to the start of its block, so
            that no block is cut in two.
        batch_norm: `"frozen"` keeps the statistics and weights of every batch-norm
            layer of the backbone; `"tuned"` lets those learn that `unfreeze` covers.
        patience: epochs without a lower validation loss after which the phase stops
            and takes back its best weights; None runs all epochs.
        batch_size: images per step.
        loss: `"auto"` (categorical cross-entropy), a Keras name or a
            `keras.losses.Loss`. Sparse losses get integer labels, all others one-hot.
        label_smoothing: share of the target spread over all classes, in [0, 1); for
            the `"auto"` loss.
        class_weight: weight of each class by its number, `"balanced"` for weights
            against the class frequencies, or None.
        metrics: Keras metrics besides accuracy; they get the loss's kind of labels.
        weight_decay: decoupled weight decay of the optimizer; None keeps its default.
            Batch norm and biases are never decayed.
        clip_norm: largest global norm of the gradient; None does not clip.

    Raises:
        InvalidArgument: a value outside of what is said above.
        UnknownName: an unknown schedule or batch-norm policy.

    Example:
        >>> Phase(epochs=3, learning_rate=1e-5, unfreeze=50).schedule
        'cosine'
    """

    epochs: int
    learning_rate: float
    optimizer: Any = "adamw"
    schedule: Literal["cosine", "constant", "plateau"] = "cosine"
    warmup: float = 0.06
    unfreeze: int | float | str | None = None
    snap: bool = True
    batch_norm: Literal["frozen", "tuned"] = "frozen"
    patience: int | None = None
    batch_size: int = 64
    loss: Any = "auto"
    label_smoothing: float = 0.0
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None
    metrics: tuple[Any, ...] = ()
    weight_decay: float | None = None
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _among("schedule", self.schedule, SCHEDULES)
        _among("batch_norm policy", self.batch_norm, POLICIES)
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None or name != "patience":
                require_whole(name, value)
        require_number("learning_rate", self.learning_rate, above=0.0, most=10.0)
        require_number("warmup", self.warmup, least=0.0, most=0.9)
        require_number("label_smoothing", self.label_smoothing, least=0.0, most=0.999)
        if self.weight_decay is not None:
            require_number("weight_decay", self.weight_decay, least=0.0)
        if self.clip_norm is not None:
            require_number("clip_norm", self.clip_norm, above=0.0)
        _check_class_weight(self.class_weight)
        self._check_loss()

    def _check_loss(self) -> None:
        if not isinstance(self.metrics, tuple | list):
            raise InvalidArgument(
                f"Expected metrics as a tuple; received {self.metrics!r}. "
                "Write metrics=(one,) for one."
            )
        if self.loss != "auto" and self.label_smoothing:
            raise InvalidArgument(
                "Expected label_smoothing=0 with a loss of your own; received "
                f"{self.label_smoothing}. Give the smoothing to the loss itself."
            )

    def to_dict(self) -> Json:
        """Return the settings as JSON values; objects appear by their name."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _among(kind: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UnknownName(unknown(kind, value, known, "cifarkit.Phase"))


def _check_class_weight(given: Any) -> None:
    if given is None or given == "balanced":
        return
    if not isinstance(given, Mapping):
        raise InvalidArgument(
            "Expected class_weight to be a mapping from class to weight, 'balanced' or "
            f"None; received {given!r}."
        )
    for label, weight in given.items():
        require_number(f"class_weight[{label!r}]", weight, least=0.0)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return type(value).__name__
