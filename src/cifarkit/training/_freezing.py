"""Which layers learn: from what a user asks for to a flag on each layer.

A layer is frozen by `layer.trainable = False` and by nothing else. Calling a network
with `training=False` does not hold: `fit` overrides it, and the moving statistics of
batch norm drift (keras#20285).
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from cifarkit._errors import InvalidArgument, TrainingError, UnknownName
from cifarkit._numbers import is_whole
from cifarkit._registry import unknown
from cifarkit.activations import weights_digest

_AUGMENTING = ("Rand", "AugMix", "MixUp", "CutMix", "Solarization")
"""How the names of Keras' layers begin that augment."""

Unfreeze = int | float | str | None
BlockOf = Callable[[str], str | None]


class LayerLike(Protocol):
    """What is needed of a Keras layer here."""

    name: str
    trainable: bool


def learning(
    layers: Sequence[LayerLike], unfreeze: Unfreeze, *, snap: bool, block_of: BlockOf
) -> tuple[bool, ...]:
    """Return for each layer whether it learns, batch norm not yet considered.

    Args:
        layers: the backbone's layers in order.
        unfreeze: as in `Phase.unfreeze`.
        snap: as in `Phase.snap`.
        block_of: gives the block of a layer's name, or None.

    Raises:
        InvalidArgument: a count or a fraction outside of the backbone.
        UnknownName: a block or a layer that the backbone does not have.
    """
    if unfreeze == "conv2d":
        return _convolutions(layers)
    start = _start([layer.name for layer in layers], unfreeze, snap, block_of)
    return tuple(index >= start for index in range(len(layers)))


def augments(layer: Any) -> bool:
    """Whether a layer, or one in it, changes images at random in training."""
    kinds = [kind for leaf in leaves(layer) for kind in type(leaf).__mro__]
    return any(each.__name__.startswith(_AUGMENTING) for each in kinds)


def penalises(layer: Any) -> bool:
    """Whether what a layer gives, or one in it, adds to the loss of each step."""
    return any(getattr(leaf, "activity_regularizer", None) for leaf in leaves(layer))


def freeze(
    layers: Sequence[LayerLike],
    mask: Sequence[bool],
    *,
    batch_norm: Literal["frozen", "tuned"],
) -> None:
    """Set `trainable` of each layer, of those nested in it and of its batch norms."""
    for layer, learns in zip(layers, mask, strict=True):
        for leaf in leaves(layer):
            held = batch_norm == "frozen" and is_batch_norm(leaf)
            leaf.trainable = learns and not held


def leaves(layer: Any) -> list[Any]:
    """Return a layer and all layers inside it, the outer ones first."""
    flatten = getattr(layer, "_flatten_layers", None)
    return list(flatten()) if flatten else [layer]


def is_batch_norm(layer: Any) -> bool:
    """Whether a layer is a batch norm, of Keras or derived from one."""
    return any(kind.__name__ == "BatchNormalization" for kind in type(layer).__mro__)


class FrozenGuard:
    """Remembers the weights of frozen layers, and proves that none moved."""

    def __init__(self, layers: Sequence[Any]) -> None:
        found = [leaf for layer in layers for leaf in leaves(layer)]
        self._before = [
            (leaf, weights_digest(leaf)) for leaf in found if not leaf.trainable
        ]

    def check(self) -> None:
        """Raise TrainingError if a frozen layer has other weights now.

        The statistics of a batch norm are weights, too.
        """
        for layer, before in self._before:
            if weights_digest(layer) != before:
                raise TrainingError(
                    f"Expected the frozen layer {layer.name!r} to keep its weights and "
                    "statistics; they moved during training. Was its `trainable` "
                    f"changed by a callback, or does a {type(layer).__name__} change "
                    "them though it is frozen? Let it learn: unfreeze it, a batch norm "
                    "by batch_norm='tuned'; or take such a layer out."
                )


def _convolutions(layers: Sequence[LayerLike]) -> tuple[bool, ...]:
    found = tuple(type(layer).__name__ == "Conv2D" for layer in layers)
    if not any(found):
        raise InvalidArgument(
            "Expected Conv2D layers in the backbone for unfreeze='conv2d'; received "
            "none. Unfreeze by a count, a fraction or a name."
        )
    return found


def _start(
    names: Sequence[str], unfreeze: Unfreeze, snap: bool, block_of: BlockOf
) -> int:
    count = len(names)
    if unfreeze is None:
        return count
    if unfreeze == "all":
        return 0
    if isinstance(unfreeze, str):
        return _start_by_name(names, unfreeze, block_of)
    start = count - _number(unfreeze, count)
    return _snapped(names, start, block_of) if snap else start


def _number(unfreeze: int | float, count: int) -> int:
    if is_whole(unfreeze, least=1) and unfreeze <= count:
        return int(unfreeze)
    if isinstance(unfreeze, float) and 0 < unfreeze <= 1:
        return max(1, round(unfreeze * count))
    raise InvalidArgument(
        f"Expected unfreeze to be a whole number from 1 to {count} (layers), a float "
        f"in (0, 1] (fraction), the name of a block or layer, 'conv2d', 'all' or None; "
        f"received {unfreeze!r}."
    )


def _start_by_name(names: Sequence[str], wanted: str, block_of: BlockOf) -> int:
    blocks = [block_of(name) for name in names]
    for known in (blocks, names):
        if wanted in known:
            return list(known).index(wanted)
    known = [name for name in dict.fromkeys(blocks) if name] or list(names)
    raise UnknownName(
        unknown("block or layer", wanted, known, "TwoPhaseTrainer.plan(data)")
    )


def _snapped(names: Sequence[str], start: int, block_of: BlockOf) -> int:
    if start >= len(names):
        return start
    block = block_of(names[start])
    while start > 0 and block is not None and block_of(names[start - 1]) == block:
        start -= 1
    return start
