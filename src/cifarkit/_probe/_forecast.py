"""How long a run of two phases might take, from the speed of one pass.

The frozen part runs once for each view of each image. An epoch of phase 2 runs what
learns forward and, at twice the work, backward, and validation runs it forward. Work is
counted in multiply-adds of the convolutions, which ignores that small and deep maps run
faster than large and shallow ones; phase 1 and the start of each phase are left out.
"""

from collections.abc import Sequence
from math import prod

from cifarkit._errors import InvalidArgument
from cifarkit._types import Layer, Model
from cifarkit.activations import boundary
from cifarkit.backbones import Backbone
from cifarkit.training import PHASE_2
from cifarkit.training._freezing import learning

VIEWS = 2
"""The views of a training image under the default augmentation, flips."""

SLOWER = 1.4
"""How much longer a step takes in Keras than its work would take in OpenVINO.

A rule of thumb, from a run of MobileNetV2 at 160 pixels.
"""


def forecast(rate: float, share: float, engine: str, train: int, others: int) -> float:
    """Return the seconds of a run of `TwoPhaseTrainer` with its default phases.

    Args:
        rate: images that go through the whole network in a second.
        share: the share of its work behind the cut of phase 2, in [0, 1].
        engine: what the rate was measured in, in words.
        train: how many training images there are.
        others: how many validation images there are.
    """
    passes = VIEWS * train + others
    epoch = (3 * train + others) * share
    slower = SLOWER if engine.startswith("openvino") else 1.0
    return (passes + PHASE_2.epochs * epoch * slower) / rate


def behind_the_cut(backbone: Backbone, trunk: Model) -> float:
    """Return the share of a backbone's work that every epoch of phase 2 repeats."""
    body = backbone.body(trunk)
    try:
        mask = learning(
            body, PHASE_2.unfreeze, snap=PHASE_2.snap, block_of=backbone.block_of
        )
    except InvalidArgument:  # fewer layers than the default unfreezes: all of them
        return 1.0
    if not any(mask):
        return 0.0
    first = mask.index(True)
    cut = boundary(trunk, body[first])
    if cut is None:
        return 1.0
    names = [layer.name for layer in body]  # an operation between layers is none
    start = names.index(cut.layer) + 1 if cut.layer in names else first
    return _work(body[start:]) / (_work(body) or 1)


def _work(layers: Sequence[Layer]) -> int:
    """Return the multiply-adds of convolutions, for one image."""
    return sum(
        prod(weight.shape) * prod(layer.output.shape[1:3])
        for layer in layers
        for weight in layer.weights
        if len(weight.shape) == 4
    )
