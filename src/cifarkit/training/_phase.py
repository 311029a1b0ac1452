"""What one phase of training is: how long, how fast, and which layers learn."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import keras
import numpy as np

from cifarkit._numbers import require_number, require_whole
from cifarkit._registry import require_known
from cifarkit._types import Json
from cifarkit.training._settings import (
    check_class_weight,
    check_learning,
    check_loss,
    check_momentum,
    check_rate_decay,
    check_solved,
    is_solved,
)

SCHEDULES = ("cosine", "linear", "constant", "plateau")
BATCH_NORMS = ("frozen", "tuned")
_MOST_AVERAGED = 0.99999
_MOST_KEPT = 0.9999


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase of training; a trainer runs one or two of them.

    Args:
        epochs: how often the training images are seen, at least 1.
        learning_rate: the peak rate, per step, above 0 and at most 10.
        optimizer: a Keras name (`"adamw"`, `"sgd"`, ...), or a `keras.optimizers`
            object that gives kind and options; its rate is replaced by this phase's.
            `"lbfgs"` takes no steps: it fits a head without hidden layers to its
            optimum, on kept features of a frozen backbone, under the L2 penalty that
            is best on the validation images. Beside it only `class_weight` means
            something; the history has one epoch, and dropout plays no part.
        schedule: `"cosine"` (linear warm-up, then down to 1 % of the peak), `"linear"`
            (the same in straight lines: with `warmup=0.3`, one cycle in the sense of
            Smith 2018), `"constant"`, or `"plateau"` (a tenth when the validation loss
            has not fallen for two epochs).
        warmup: share of the phase's steps in which cosine and linear warm up, in
            [0, 0.9].
        unfreeze: which layers of the backbone learn: a number of layers counted from
            the end, a fraction of them (a float in (0, 1]), the name of the first
            block or layer (`"block_13"`), `"conv2d"` (only Conv2D layers), `"all"`, or
            None for none.
        snap: whether a count or a fraction is moved to the start of its block, so
            that no block is cut in two.
        train_head: whether the head learns; if not, the backbone does so alone.
        batch_norm: `"frozen"` keeps the statistics and weights of every batch-norm
            layer of the backbone; `"tuned"` lets those learn that `unfreeze` covers.
        bn_momentum: share of its statistics that a tuned batch norm of the backbone
            keeps in each step, in [0, 0.9999]. `"auto"` lets them last for a tenth of
            an epoch (Kornblith et al. 2019), at least 10 steps; None leaves each layer
            its own. Keras' MobileNetV2 has 0.999, too slow for a short phase. A network
            without a backbone keeps its own.
        patience: epochs without a lower validation loss after which the phase stops
            and takes back its best weights; None runs all epochs.
        batch_size: images per step; a `tf.data.Dataset` keeps its own batches.
        loss: `"auto"` (categorical cross-entropy), a Keras name or a
            `keras.losses.Loss`. Sparse losses get integer labels, all others one-hot.
        label_smoothing: share of the target spread over all classes, in [0, 1); for
            the `"auto"` loss. Validation is measured without, so that its losses can be
            compared between phases.
        class_weight: weight of each class by its number, `"balanced"` for weights
            against the class frequencies, or None. Not beside MixUp or CutMix.
        metrics: Keras metrics besides accuracy; they get the loss's kind of labels.
        weight_decay: decoupled weight decay of the optimizer; None keeps its default.
            Batch norm and biases are never decayed.
        clip_norm: largest global norm of the gradient; None does not clip.
        weight_averaging: decay per step, in (0, 0.99999], of an exponential moving
            average of the weights that learn (Polyak and Juditsky 1992). It begins
            with the first step's weights; it is what is validated, what callbacks see
            at the end of an epoch, and what the phase ends with. The statistics of
            batch norm stay as they are. None does not average.
        rate_decay: the rate of a block as a share of that of the next block towards
            the head, in (0, 1] (Howard and Ruder 2018): the head learns at the peak
            rate, the last block at this share of it, the one before at its square.
            Layers in a row that belong to no block, such as a stem, are a block of
            their own; blocks in which nothing learns do not count. Weight decay is
            scaled like the rate, clipping comes before.

    Raises:
        InvalidArgument: a value outside of what is said above.
        UnknownName: an unknown schedule or batch-norm policy.

    Example:
        >>> Phase(epochs=3, learning_rate=1e-5, unfreeze=50).schedule
        'cosine'
    """

    epochs: int = 1
    learning_rate: float = 1e-3
    optimizer: Any = "adamw"
    schedule: Literal["cosine", "linear", "constant", "plateau"] = "cosine"
    warmup: float = 0.06
    unfreeze: int | float | str | None = None
    snap: bool = True
    train_head: bool = True
    batch_norm: Literal["frozen", "tuned"] = "frozen"
    bn_momentum: float | Literal["auto"] | None = "auto"
    patience: int | None = None
    batch_size: int = 64
    loss: Any = "auto"
    label_smoothing: float = 0.0
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None
    metrics: tuple[Any, ...] = ()
    weight_decay: float | None = None
    clip_norm: float | None = None
    weight_averaging: float | None = None
    rate_decay: float = 1.0

    def __post_init__(self) -> None:
        here = "cifarkit.Phase"
        require_known("schedule", self.schedule, SCHEDULES, here)
        require_known("batch_norm policy", self.batch_norm, BATCH_NORMS, here)
        self._check_numbers()
        check_class_weight(self.class_weight)
        check_loss(self.loss, self.metrics, self.label_smoothing)
        if self.solved:
            check_solved(self)
        check_rate_decay(self.rate_decay, self.unfreeze)
        check_learning(self.train_head, self.unfreeze, self.snap)
        check_momentum(self.bn_momentum, self.batch_norm)

    def _check_numbers(self) -> None:
        require_whole("epochs", self.epochs)
        require_whole("batch_size", self.batch_size)
        if self.patience is not None:
            require_whole("patience", self.patience)
        require_number("learning_rate", self.learning_rate, above=0.0, most=10.0)
        require_number("warmup", self.warmup, least=0.0, most=0.9)
        require_number("label_smoothing", self.label_smoothing, least=0.0, below=1.0)
        if self.bn_momentum is not None and self.bn_momentum != "auto":
            require_number("bn_momentum", self.bn_momentum, least=0.0, most=_MOST_KEPT)
        if self.weight_decay is not None:
            require_number("weight_decay", self.weight_decay, least=0.0)
        if self.clip_norm is not None:
            require_number("clip_norm", self.clip_norm, above=0.0)
        if (decay := self.weight_averaging) is not None:
            require_number("weight_averaging", decay, above=0.0, most=_MOST_AVERAGED)

    @property
    def solved(self) -> bool:
        """Whether the phase solves for its head at once, instead of taking steps."""
        return is_solved(self.optimizer)

    def to_dict(self) -> Json:
        """Return the settings as JSON values; objects appear by their name."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, keras.optimizers.Optimizer):
        return _optimizer(value)
    return type(value).__name__


def _optimizer(value: Any) -> str:
    """Return an optimizer's name, and its unusual options beside the rate."""
    kind = type(value)
    try:
        usual = kind().get_config()
    except TypeError:  # one of the user's own, which wants arguments
        return kind.__name__
    told = [
        f"{name}={each}"
        for name, each in value.get_config().items()
        if name not in ("name", "learning_rate") and usual.get(name) != each
    ]
    return f"{kind.__name__}({', '.join(told)})" if told else kind.__name__
