"""S0: MobileNetV2 at 160 pixels, with a report, a Gradio page and a Flask service."""

from dataclasses import replace
from typing import Any

from cifarkit import heads
from cifarkit.recipes import _best
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._phrases import DRAW, KEPT, LOSS, OWN, SCALED, checkpoint
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import Phase

_PLAIN = Phase(
    epochs=10,
    learning_rate=1e-3,
    optimizer="adam",
    schedule="constant",
    patience=3,
    batch_size=32,
)
_TAIL = replace(
    _PLAIN,
    learning_rate=1e-5,
    unfreeze=50,
    snap=False,
    batch_norm="tuned",
    bn_momentum=OWN,
)
_CHECKPOINT = checkpoint(160)
_LAYERS = "same padding"
_SIZE = "32 x 32 pixels, where the project's data have 160 x 160"
_STOPS = "early stopping after 3, with the best epoch's weights"

CNN = Recipe(
    name="s0-cnn",
    variant="as_published",
    system="S0",
    claimed=Claim(accuracy=0.75, rough="about 75%"),
    images=Images(size=32),
    network="s0-cnn",
    phase_1=replace(_PLAIN, epochs=30),
    assumed=(
        DRAW,
        _LAYERS,
        f"Adam at 1e-3, batch 32, {LOSS}, 30 epochs, {_STOPS}",
    ),
    notes=(_SIZE,),
)
FROZEN = Recipe(
    name="s0-mobilenetv2-frozen",
    variant="as_published",
    system="S0",
    claimed=Claim(accuracy=0.85, rough="about 85%"),
    images=Images(size=160),
    network="mobilenetv2",
    head=heads.classifier(hidden=(128,), dropout=0.3),
    preprocess="unit",
    interpolation="bilinear",
    phase_1=_PLAIN,
    assumed=(DRAW, f"10 epochs, {_STOPS}", "a bilinear resize"),
    notes=(SCALED, _CHECKPOINT),
)
TUNED = replace(
    FROZEN,
    name="s0-mobilenetv2-finetuned",
    claimed=Claim(accuracy=0.9024, loss=0.33),
    phase_2=_TAIL,
    assumed=(
        DRAW,
        "10 epochs of phase 1, early stopping after 3 in both",
        "Adam and batch 32 in phase 2, too",
        "a bilinear resize",
        "batch norm of the last 50 layers learns with them",
        KEPT,
    ),
)


def recipes() -> tuple[Recipe, ...]:
    """Return all variants of all models."""
    right: dict[str, Any] = {
        "variant": "fixed",
        "preprocess": "auto",
        "notes": ("inputs as the weights want them", _CHECKPOINT),
    }
    return (
        CNN,
        _best.scratch(CNN, assumed=(DRAW, _LAYERS), notes=(_SIZE,)),
        FROZEN,
        replace(FROZEN, **right),
        _best.frozen(FROZEN, assumed=(DRAW,)),
        TUNED,
        replace(TUNED, **right),
        _best.tuned(TUNED, assumed=(DRAW,)),
    )
