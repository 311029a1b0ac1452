"""Our way with a published network: the same network and images, other training."""

from dataclasses import replace
from typing import Any

from cifarkit import augment, heads
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import PHASE_1, PHASE_2, Phase

SCRATCH = Phase(
    epochs=50,
    learning_rate=2e-3,
    batch_size=128,
    label_smoothing=0.1,
    weight_decay=0.05,
    weight_averaging=0.998,
)
"""A network from scratch: AdamW, warm-up and cosine, averaged weights."""

OPTIMUM = Phase(optimizer="lbfgs")
"""A linear head at its optimum, on frozen features."""


def scratch(published: Recipe, **changes: Any) -> Recipe:
    """Return our way to train a network from scratch."""
    augmentation = (augment.flip(), augment.crop(4))
    return _ours(published, phase_1=SCRATCH, augment=augmentation, **changes)


def frozen(published: Recipe, **changes: Any) -> Recipe:
    """Return our way with a frozen backbone."""
    return _pretrained(published, phase_1=OPTIMUM, head=heads.linear(), **changes)


def tuned(published: Recipe, **changes: Any) -> Recipe:
    """Return our way in two phases: that of `TwoPhaseTrainer` by itself."""
    settings = {
        "phase_1": PHASE_1,
        "phase_2": PHASE_2,
        "head": heads.classifier(),
        **changes,
    }
    return _pretrained(published, **settings)


def _pretrained(published: Recipe, **changes: Any) -> Recipe:
    settings = {"preprocess": "auto", "interpolation": "bicubic", **changes}
    return _ours(published, augment=(augment.flip(),), **settings)


def _ours(published: Recipe, **changes: Any) -> Recipe:
    plain = {"variant": "best", "phase_2": None, "assumed": (), "notes": ()}
    return replace(published, **{**plain, **changes})
