"""A phase's optimizer, its schedule, its loss, as Keras objects."""

from typing import Any

import keras

from cifarkit._errors import InvalidArgument
from cifarkit._types import Model
from cifarkit.training._fused import fused
from cifarkit.training._phase import Phase
from cifarkit.training._rates import Shares, scaled
from cifarkit.training._schedule import Linear

_FLOOR = 0.01
_UNDECAYED = ["bias", "gamma", "beta"]


def optimizer_of(phase: Phase, steps: int, *, shares: Shares | None = None) -> Any:
    """Return a new Keras optimizer for a phase of `steps` steps.

    Args:
        phase: its settings.
        steps: steps of the whole phase, which the schedule spans.
        shares: the rates of variables as shares of the phase's, or None.

    Raises:
        InvalidArgument: Keras knows no such optimizer, or it takes no such option.
    """
    config, options = _optimizer_config(phase), _options(phase, steps)
    config["config"] = {**config["config"], **options}
    try:
        optimizer = fused(keras.optimizers.deserialize(config))
    except (ValueError, TypeError) as error:
        raise InvalidArgument(
            f"Expected an optimizer that takes {sorted(options)}; received "
            f"{phase.optimizer!r} ({error!s:.300})."
        ) from error
    if shares:
        optimizer = scaled(optimizer, shares)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=_UNDECAYED)
    return optimizer


def unvanishing(optimizer: Any, model: Model) -> Any:
    """Return an optimizer that scales the loss where a layer computes in float16.

    Small gradients are zero in float16. Keras looks at the policy of the outermost
    model alone, which a network that was made under another one does not have.

    Args:
        optimizer: as `optimizer_of` returns it.
        model: what learns by it.
    """
    if any(each.compute_dtype == "float16" for each in model._flatten_layers()):
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def schedule_of(phase: Phase, steps: int) -> Any:
    """Return the rate over `steps` steps: a number, or a Keras schedule.

    The cosine schedule is that of Loshchilov and Hutter 2017, after a linear warm-up,
    which leaves at least one step to come down in.
    """
    peak = float(phase.learning_rate)  # Keras takes no other kind of number
    if phase.schedule not in ("cosine", "linear"):
        return peak
    warm = min(round(phase.warmup * steps), steps - 1)
    if phase.schedule == "linear":
        return Linear(peak, steps, warm=warm, floor=_FLOOR)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=_FLOOR * peak if warm else peak,
        decay_steps=max(1, steps - warm),
        alpha=_FLOOR,
        warmup_target=peak if warm else None,
        warmup_steps=warm,
    )


def loss_of(phase: Phase) -> Any:
    """Return the phase's loss as a `keras.losses.Loss`.

    Raises:
        InvalidArgument: Keras knows no such loss.
    """
    if phase.loss == "auto":
        return keras.losses.CategoricalCrossentropy()  # the targets come smoothed
    try:
        if (loss := keras.losses.get(phase.loss)) is not None:
            return loss
    except ValueError:
        pass  # Keras knows no loss of that name
    raise InvalidArgument(
        f"Expected 'auto', a loss that Keras knows, or a keras.losses.Loss; "
        f"received {phase.loss!r}."
    )


def is_sparse(loss: Any) -> bool:
    """Whether a loss takes integer labels."""
    function = keras.losses.sparse_categorical_crossentropy
    kind = keras.losses.SparseCategoricalCrossentropy
    return loss is function or isinstance(loss, kind)


def _options(phase: Phase, steps: int) -> dict[str, Any]:
    options = {"learning_rate": schedule_of(phase, steps)}
    if phase.weight_decay is not None:
        options["weight_decay"] = phase.weight_decay
    if phase.clip_norm is not None:
        options["global_clipnorm"] = phase.clip_norm
    if phase.weight_averaging is not None:
        options |= {"use_ema": True, "ema_momentum": phase.weight_averaging}
    return options


def _optimizer_config(phase: Phase) -> dict[str, Any]:
    # A phase without steps is compiled for its callbacks; nothing updates its weights.
    wanted = "sgd" if phase.solved else phase.optimizer
    try:
        return dict(keras.optimizers.serialize(keras.optimizers.get(wanted)))
    except (ValueError, TypeError) as error:
        raise InvalidArgument(
            "Expected an optimizer that Keras knows ('adamw', 'adam', 'sgd', ...), a "
            f"keras.optimizers object or 'lbfgs'; received {phase.optimizer!r}."
        ) from error
