"""How fast the statistics of tuned batch norms follow what passes through them.

Keras' MobileNetV2 keeps 0.999 of its statistics in each step. That suits the million
steps of a pretraining: in a phase of a few hundred, the weights are those of the new
images and the statistics still those of the old ones, and validation, which uses them,
looks worse than the network is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cifarkit.training._freezing import is_batch_norm, leaves
from cifarkit.training._phase import Phase

_EPOCH_SHARE, _LEAST = 10, 0.9


def momentum_of(phase: Phase, steps: int) -> float | None:
    """Return the share of its statistics that a batch norm keeps in each step.

    Args:
        phase: its settings. `"auto"` is the rule of Kornblith et al. 2019 (appendix),
            by which statistics last for a tenth of an epoch.
        steps: steps per epoch.

    Returns:
        A share in [0, 1), or None for what each layer has itself.
    """
    if phase.bn_momentum != "auto":
        return phase.bn_momentum
    return max(1 - _EPOCH_SHARE / steps, _LEAST)


@contextmanager
def following(layers: Sequence[Any], momentum: float | None) -> Iterator[None]:
    """Let batch norms keep `momentum` of their statistics in a step.

    Afterwards each has its own momentum again, so that no saved model shows ours.
    """
    norms = [leaf for layer in layers for leaf in leaves(layer) if is_batch_norm(leaf)]
    own = [norm.momentum for norm in norms]
    try:
        for norm in norms if momentum is not None else ():
            norm.momentum = momentum
        yield
    finally:
        for norm, value in zip(norms, own, strict=True):
            norm.momentum = value
