"""Which layers of a backbone learn in a phase, as a value that prints well."""

import math
from dataclasses import dataclass

from cifarkit._types import Model
from cifarkit.training._freezing import is_batch_norm, learning, leaves
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase


@dataclass(frozen=True)
class Learnt:
    """Which layers of a backbone learn.

    Args:
        layers: how many learn, and all that there are; 0 of 0 without a backbone.
        first: name of the first one that learns, or None.
        block: the block of that layer, or None.
        batch_norms: batch norms that learn, and all.
    """

    layers: tuple[int, int]
    first: str | None
    block: str | None
    batch_norms: tuple[int, int]

    def __str__(self) -> str:
        (learn, total), (tuned, norms) = self.layers, self.batch_norms
        if not total:
            return "none; all layers of the network that are not frozen learn"
        if not learn:
            return f"all {total} layers frozen"
        where = f"{self.first} ({self.block})" if self.block else self.first
        return (
            f"{learn} of {total} layers learn, from {where}; "
            f"batch norm: {tuned} tuned, {norms - tuned} frozen"
        )


def parameters(model: Model) -> tuple[int, int]:
    """Return how many numbers of a model learn, and how many it has."""
    learn, every = (
        sum(math.prod(weight.shape) for weight in weights)
        for weights in (model.trainable_weights, model.weights)
    )
    return learn, every


def learnt(network: Network, phase: Phase) -> Learnt:
    """Return what a phase lets learn, on a network that is prepared for it.

    Raises:
        InvalidArgument: a count or a fraction outside of the backbone.
        UnknownName: a block or a layer that the backbone does not have.
    """
    body, block_of = network.body, network.block_of
    mask = learning(body, phase.unfreeze, snap=phase.snap, block_of=block_of)
    name = body[mask.index(True)].name if any(mask) else None
    norms = [leaf for each in body for leaf in leaves(each) if is_batch_norm(leaf)]
    return Learnt(
        layers=(sum(mask), len(mask)),
        first=name,
        block=None if name is None else block_of(name),
        batch_norms=(sum(norm.trainable for norm in norms), len(norms)),
    )
