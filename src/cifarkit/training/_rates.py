"""Rates that fall from the head to the stem (Howard and Ruder 2018).

One optimizer updates all weights; only the rate that it reads differs by block. Several
optimizers, as in `keras.optimizers.MultiOptimizer`, would clip the gradient of each
block for itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cifarkit.training._freezing import BlockOf

Shares = Mapping[int, float]
"""The rate of a variable, by its `id`, as a share of the optimizer's rate."""


def shares_of(layers: Sequence[Any], decay: float, *, block_of: BlockOf) -> Shares:
    """Return the share of each variable of a backbone that learns.

    Args:
        layers: the backbone's layers in order, frozen and unfrozen already.
        decay: as in `Phase.rate_decay`.
        block_of: gives the block of a layer's name, or None.

    Returns:
        The shares; what is not among them, such as a head, has the whole rate.
    """
    depths: dict[object, int] = {}
    shares: dict[int, float] = {}
    group: object = None
    for layer in reversed([each for each in layers if each.trainable_variables]):
        block = block_of(layer.name)
        if block is not None:
            group = block
        elif not isinstance(group, int):  # the first of a row without a block
            group = len(depths)
        depth = depths.setdefault(group, len(depths) + 1)
        shares |= {id(each): decay**depth for each in layer.trainable_variables}
    return shares


def scaled(optimizer: Any, shares: Shares) -> Any:
    """Return an optimizer of the same kind and options, with a rate for each variable.

    Whatever follows from the rate is scaled with it, decoupled weight decay too, as in
    groups of parameters with rates of their own. The gradient is clipped before, as one
    whole. The optimizer is for training only: its class cannot be saved.
    """
    kind: Any = type(optimizer)

    class Scaled(kind):  # type: ignore[misc]  # Keras is untyped
        share = 1.0

        def build(self, variables: Sequence[Any]) -> None:
            super().build(variables)
            self.shares = tuple(shares.get(id(each), 1.0) for each in variables)

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            share = self._share_of(variable)
            super().update_step(gradient, variable, learning_rate * share)

        def _parallel_update_step(
            self, grads: Sequence[Any], variables: Sequence[Any], learning_rate: Any
        ) -> None:
            # On torch, Keras updates all variables at once, at one rate.
            for gradient, variable in zip(grads, variables, strict=True):
                self.update_step(gradient, variable, learning_rate)

        def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
            for variable in filter(self._use_weight_decay, variables):
                self.share = self._share_of(variable)
                super()._apply_weight_decay([variable])
            self.share = 1.0

        def _get_current_learning_rate(self) -> Any:
            rate = super()._get_current_learning_rate()
            return rate if self.share == 1.0 else rate * self.share

        def _share_of(self, variable: Any) -> float:
            return float(self.shares[self._get_variable_index(variable)])

    return Scaled.from_config(optimizer.get_config())
