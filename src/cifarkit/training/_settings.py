"""Which settings of a phase mean something, alone and beside each other."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_number
from cifarkit._registry import require_one_of

AT_OPTIMUM = ("optimizer", "class_weight")
"""What means something where a phase solves for its head; nothing else does."""

_LBFGS = "lbfgs"


def is_solved(optimizer: object) -> bool:
    """Whether an optimizer is the name of the one that takes no steps."""
    return isinstance(optimizer, str) and optimizer.lower() == _LBFGS


def check_class_weight(given: Any) -> None:
    """Refuse what is neither a mapping to weights, nor `"balanced"`, nor None.

    Raises:
        InvalidArgument: another kind of value, or a negative weight.
    """
    if given is None or (isinstance(given, str) and given == "balanced"):
        return
    if not isinstance(given, Mapping):
        raise InvalidArgument(
            "Expected class_weight to be a mapping from class to weight, 'balanced' or "
            f"None; received {given!r}. Of an array make dict(enumerate(weights))."
        )
    for label, weight in given.items():
        require_number(f"class_weight[{label!r}]", weight, least=0.0)


def check_loss(loss: Any, metrics: Any, label_smoothing: float) -> None:
    """Refuse metrics that are no tuple, and smoothing beside another loss.

    Raises:
        InvalidArgument: one of these.
    """
    if not isinstance(metrics, tuple | list):
        raise InvalidArgument(
            f"Expected metrics as a tuple; received {metrics!r}. "
            "Write metrics=(one,) for one."
        )
    if loss != "auto" and label_smoothing:
        raise InvalidArgument(
            "Expected label_smoothing=0 with a loss of your own; received "
            f"{label_smoothing}. Give the smoothing to the loss itself."
        )


def check_rate_decay(rate_decay: float, unfreeze: Any) -> None:
    """Refuse a rate decay out of range, or where no block learns.

    Raises:
        InvalidArgument: one of these.
    """
    require_number("rate_decay", rate_decay, above=0.0, most=1.0)
    if rate_decay != 1 and unfreeze is None:
        raise InvalidArgument(
            f"Expected unfreeze= beside rate_decay; received rate_decay={rate_decay} "
            "and a frozen backbone. Say which blocks learn, or leave rate_decay out."
        )


def check_learning(train_head: Any, unfreeze: Any, snap: Any) -> None:
    """Refuse a phase in which nothing learns.

    Raises:
        InvalidArgument: head and backbone are both frozen, or `train_head` or `snap` is
            no bool.
    """
    require_one_of("snap", snap, (True, False))
    if not isinstance(train_head, bool) or (unfreeze is None and not train_head):
        raise InvalidArgument(
            "Expected train_head to be True, or False beside unfreeze=; received "
            f"train_head={train_head!r} and unfreeze={unfreeze!r}. Say what learns."
        )


def check_momentum(momentum: Any, batch_norm: str) -> None:
    """Refuse a momentum of statistics that do not move.

    Raises:
        InvalidArgument: batch norm is frozen beside it.
    """
    if momentum != "auto" and batch_norm == "frozen":
        raise InvalidArgument(
            "Expected batch_norm='tuned' beside bn_momentum; received "
            f"bn_momentum={momentum!r} and batch_norm='frozen'. Leave one out."
        )


def check_solved(phase: Any) -> None:
    """Refuse settings that a phase without steps would ignore.

    Raises:
        InvalidArgument: a setting that is not its default.
    """
    for field in fields(phase):
        value = getattr(phase, field.name)
        left_out = value == field.default or value == []
        if field.name not in AT_OPTIMUM and not left_out:
            raise InvalidArgument(
                f"Expected no {field.name} beside optimizer='lbfgs', which takes no "
                f"steps and finds the optimum of a head on frozen features; received "
                f"{value!r}. Leave {field.name} out."
            )
