"""S2: six models, from one convolution to MobileNetV2 at 96 pixels."""

from dataclasses import replace
from typing import Any

import keras

from cifarkit import augment, heads
from cifarkit.recipes import _best
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._phrases import DRAW, KEPT, LOSS, OWN, RELU, SCALED, checkpoint
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import Phase

_LAYERS = f"same padding, {RELU}"
_SQUARES = "3 x 3 convolutions"
_NORMS = f"{_LAYERS}, batch norm after each convolution"
_CHECKPOINT = checkpoint(96)
_SGD = Phase(
    epochs=50,
    learning_rate=0.01,
    optimizer="sgd",
    schedule="constant",
    batch_size=512,
)
_ADAM = replace(_SGD, learning_rate=1e-3, optimizer="adam")
_HEAD = Phase(
    epochs=10,
    learning_rate=1e-4,
    optimizer="adam",
    schedule="plateau",
    patience=5,
    batch_size=64,
)

M1 = Recipe(
    name="s2-m1",
    variant="as_published",
    system="S2",
    claimed=Claim(accuracy=0.55, rough="about 55%"),
    images=Images(size=32),
    network="s2-m1",
    phase_1=_SGD,
    assumed=(DRAW, _LAYERS, LOSS, "a rate of 0.01, Keras' own"),
)
M2 = replace(
    M1,
    name="s2-m2",
    network="s2-m2",
    claimed=Claim(accuracy=0.58, rough="about 58%"),
    assumed=(*M1.assumed, _SQUARES),
)
M4 = replace(
    M1,
    name="s2-m4",
    network="s2-m4",
    claimed=Claim(accuracy=0.78, rough="about 78%"),
    phase_1=_ADAM,
    assumed=(DRAW, _LAYERS, LOSS, _SQUARES),
)
M6 = replace(
    M4,
    name="s2-m6",
    network="s2-m6",
    claimed=Claim(accuracy=0.825, rough="82 to 83%"),
    phase_1=replace(_ADAM, epochs=25),
    augment=(augment.contrast(0.1), augment.flip(), augment.rotation(0.1)),
    assumed=(
        DRAW,
        _NORMS,
        _SQUARES,
        f"Adam at 1e-3, {LOSS}",
        "contrast and rotation of 0.1",
    ),
)
M7 = Recipe(
    name="s2-m7",
    variant="as_published",
    system="S2",
    claimed=Claim(accuracy=0.886, rough="88 to 89%"),
    images=Images(size=96),
    network="mobilenetv2",
    head=heads.classifier(hidden=(256,), dropout=0.4, input_dropout=0.4),
    preprocess="unit",
    interpolation="bilinear",
    phase_1=_HEAD,
    phase_2=replace(
        _HEAD,
        learning_rate=1e-5,
        unfreeze=50,
        snap=False,
        batch_norm="tuned",
        bn_momentum=OWN,
    ),
    augment=(augment.rotation(0.04), augment.shift(0.1), augment.flip()),
    assumed=(
        DRAW,
        "10 epochs of each phase, batch 64, patience 5 and 2, a tenth of the rate",
        LOSS,
        "Adam in phase 2, too",
        "a bilinear resize",
        "rotation by up to 14 degrees, shift by up to a tenth",
        "batch norm of the last 50 layers learns with them",
        KEPT,
    ),
    notes=(SCALED, _CHECKPOINT),
)


def _m5() -> Recipe:
    momentum = keras.optimizers.SGD(momentum=0.9, nesterov=True)
    return Recipe(
        name="s2-m5",
        variant="as_published",
        system="S2",
        claimed=Claim(accuracy=0.67, rough="about 67%"),
        images=Images(size=64),
        network="vgg16",
        head=heads.classifier(hidden=(128,), dropout=0.0, pooling="flatten"),
        preprocess="unit",
        interpolation="bilinear",
        phase_1=replace(
            _SGD, epochs=20, learning_rate=1e-3, optimizer=momentum, batch_size=64
        ),
        assumed=(
            *(DRAW, "a head of Flatten and Dense 128", RELU, LOSS),
            "a bilinear resize",
        ),
        notes=(SCALED,),
    )


def recipes() -> tuple[Recipe, ...]:
    """Return all variants of all models."""
    m5 = _m5()
    right: dict[str, Any] = {"variant": "fixed", "preprocess": "auto"}
    wanted = "inputs as the weights want them"
    return (
        M1,
        _best.scratch(M1, assumed=(DRAW, _LAYERS)),
        M2,
        _best.scratch(M2, assumed=(DRAW, _LAYERS, _SQUARES)),
        M4,
        _best.scratch(M4, assumed=(DRAW, _LAYERS, _SQUARES)),
        m5,
        replace(m5, **right, notes=(wanted,)),
        _best.frozen(m5, assumed=(DRAW,)),
        M6,
        _best.scratch(M6, assumed=(DRAW, _NORMS, _SQUARES)),
        M7,
        replace(M7, **right, notes=(wanted, _CHECKPOINT)),
        _best.tuned(M7, assumed=(DRAW,)),
    )
