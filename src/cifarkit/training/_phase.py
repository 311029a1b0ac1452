"""What one phase of training is: how long, how fast, and which layers learn."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from cifarkit._errors import InvalidArgument, UnknownName
from cifarkit._registry import unknown
from cifarkit._types import Json

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
        _whole("epochs", self.epochs)
        _whole("batch_size", self.batch_size)
        if self.patience is not None:
            _whole("patience", self.patience)
        _within("learning_rate", self.learning_rate, 0.0, 10.0, low_included=False)
        _within("warmup", self.warmup, 0.0, 0.9)
        _within("label_smoothing", self.label_smoothing, 0.0, 0.999)
        if isinstance(self.class_weight, str) and self.class_weight != "balanced":
            raise InvalidArgument(
                "Expected class_weight to be a mapping from class to weight, "
                f"'balanced' or None; received {self.class_weight!r}."
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


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(
            f"Expected {name} to be a whole number of at least 1; received {value!r}."
        )


def _within(
    name: str, value: object, low: float, high: float, *, low_included: bool = True
) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    inside = number and low <= float(str(value)) <= high
    if not inside or (value == low and not low_included):
        raise InvalidArgument(
            f"Expected {name} in {'[' if low_included else '('}{low}, {high}]; "
            f"received {value!r}."
        )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return type(value).__name__
