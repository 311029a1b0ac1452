"""S1: ResNet50 on 10,000 images of 32 pixels."""

from dataclasses import replace
from typing import Any

from cifarkit import heads
from cifarkit.recipes import _best
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._phrases import BETTER, LOSS, RESNET, SCALED
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import Phase

_HEAD = Phase(
    epochs=10,
    learning_rate=1e-3,
    optimizer="adam",
    schedule="constant",
    batch_size=32,
)
_ALL = replace(
    _HEAD, learning_rate=1e-5, unfreeze="all", batch_norm="tuned", bn_momentum=None
)
_DRAW = "2,000 validation images beside the 10,000"
_STEPS = f"Adam, at 1e-3 in phase 1, batch 32, {LOSS}"
_USABLE: dict[str, Any] = {
    "images": Images(size=128, train=10_000, validation=2_000),
    "assumed": (_DRAW,),
    "notes": (
        "128 pixels in place of 32, where the last map is a single point",
        RESNET,
    ),
}

FROZEN = Recipe(
    name="s1-resnet50-frozen",
    variant="as_published",
    system="S1",
    claimed=Claim(note="no test figure; about 30% on the training images"),
    images=Images(size=32, train=10_000, validation=2_000),
    network="resnet50",
    head=heads.classifier(hidden=(128, 64), dropout=0.0),
    preprocess="unit",
    interpolation="bilinear",
    phase_1=_HEAD,
    assumed=(_DRAW, _STEPS, "a bilinear resize, in `fixed`"),
    notes=(
        SCALED,
        "32 pixels into a network of stride 32, whose last map is 1 x 1",
        RESNET,
    ),
)
TUNED = replace(
    FROZEN,
    name="s1-resnet50-finetuned",
    claimed=Claim(
        accuracy=0.402,
        gap=0.19,
        f1={
            **{"ship": 0.51, "automobile": 0.45, "frog": 0.44},
            **{"dog": 0.34, "bird": 0.30, "cat": 0.30},
        },
        note="61% training, 41% validation",
    ),
    phase_2=_ALL,
    assumed=(
        *FROZEN.assumed,
        "batch norm learns with everything else in phase 2",
        BETTER,
    ),
)


def recipes() -> tuple[Recipe, ...]:
    """Return all variants of all models."""
    right: dict[str, Any] = {
        "variant": "fixed",
        "preprocess": "auto",
        "images": replace(FROZEN.images, size=96),
        "notes": (
            "inputs as the weights want them",
            "96 pixels, so that the last map is 3 x 3",
            RESNET,
        ),
    }
    return (
        FROZEN,
        replace(FROZEN, **right),
        _best.frozen(FROZEN, **_USABLE),
        TUNED,
        replace(TUNED, **right),
        _best.tuned(TUNED, **_USABLE),
    )
