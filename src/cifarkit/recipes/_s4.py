"""S4: ResNet50 at 224 pixels, on 10,000 images."""

from dataclasses import replace
from typing import Any

from cifarkit import augment, heads
from cifarkit.recipes import _best
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._phrases import BETTER, RELU, RESNET
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import Phase

_DRAW = "8,000 of the 10,000 images to train on, 2,000 to choose by, all test images"
_SPARSE = "sparse_categorical_crossentropy"
_HEAD = Phase(
    epochs=10,
    learning_rate=1e-4,
    optimizer="adam",
    schedule="constant",
    batch_size=32,
    loss=_SPARSE,
)
_LAYERS = (
    "64 x 64 pixels scaled to [0, 1] for this network",
    f"same padding, {RELU}, batch norm after each convolution",
    "three blocks of two 3 x 3 convolutions of 32, 64 and 128, Dense 128, Dropout 0.5",
)
_RESIZE = "bilinear resizes"
_PENALTIES = "the claimed loss very likely holds the penalties on weights"
_TURNS = "rotation and zoom of 0.1"

CNN = Recipe(
    name="s4-cnn",
    variant="as_published",
    system="S4",
    claimed=Claim(accuracy=0.756, loss=0.8345),
    images=Images(size=64, train=8_000, validation=2_000, enlarged=64),
    network="s4-cnn",
    phase_1=replace(_HEAD, epochs=30),
    augment=(augment.flip(), augment.rotation(0.1), augment.zoom(0.1)),
    assumed=(
        _DRAW,
        _TURNS,
        _RESIZE,
        *_LAYERS,
        "Adam at 1e-4, as for its other network, batch 32, 30 epochs",
        "sparse cross-entropy",
    ),
)
HEAD = Recipe(
    name="s4-resnet50-head",
    variant="as_published",
    system="S4",
    claimed=Claim(
        accuracy=0.8614,
        loss=3.0072,
        penalised=True,
        note="from 71.5% to 87.9% on validation",
    ),
    images=Images(size=224, train=8_000, validation=2_000, enlarged=64),
    network="resnet50",
    head=heads.classifier(hidden=(256, 128, 64), dropout=0.6, batch_norm=True, l2=0.01),
    interpolation="bilinear",
    phase_1=_HEAD,
    augment=CNN.augment,
    assumed=(_DRAW, _TURNS, _RESIZE, RELU, "an L2 of 0.01", "batch 32"),
    notes=(_PENALTIES, RESNET),
)
TUNED = replace(
    HEAD,
    name="s4-resnet50-finetuned",
    claimed=Claim(accuracy=0.8681, loss=2.8772, penalised=True),
    phase_2=replace(
        _HEAD, epochs=3, learning_rate=1e-5, unfreeze="conv2d", train_head=False
    ),
    assumed=(*HEAD.assumed, "Adam in phase 2, too", BETTER),
    notes=(
        "in phase 2 the convolutions learn alone: the head is left as it is",
        _PENALTIES,
        RESNET,
    ),
)


def recipes() -> tuple[Recipe, ...]:
    """Return all variants of all models."""
    native: dict[str, Any] = {
        "images": replace(HEAD.images, enlarged=None),
        "assumed": (_DRAW,),
        "notes": ("from 32 pixels to 224 at once", _PENALTIES, RESNET),
    }
    assert TUNED.phase_2 is not None  # noqa: S101
    return (
        CNN,
        _best.scratch(CNN, assumed=(_DRAW, _RESIZE, *_LAYERS)),
        HEAD,
        _best.frozen(HEAD, **native),
        TUNED,
        replace(
            TUNED,
            variant="fixed",
            phase_2=replace(TUNED.phase_2, train_head=True),
            notes=("in phase 2 the head learns too", _PENALTIES, RESNET),
        ),
        _best.tuned(TUNED, **native),
    )
