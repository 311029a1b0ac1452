"""S3: three models compared, with a FastAPI service in Docker."""

from dataclasses import replace

from cifarkit import augment, heads
from cifarkit.recipes import _best
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._phrases import RELU, checkpoint
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import Phase

_STEPS = "Adam at 1e-3, batch 64, categorical cross-entropy"
_STOPS = "early stopping after 5, with the best epoch's weights"
_LAYERS = RELU, "inputs scaled to [0, 1]"
_NORMS = "batch norm after each convolution"
_CHECKPOINT = checkpoint(96)
_ADAM = Phase(
    epochs=50,
    learning_rate=1e-3,
    optimizer="adam",
    schedule="constant",
    patience=5,
    batch_size=64,
)

BASELINE = Recipe(
    name="s3-baseline",
    variant="as_published",
    system="S3",
    claimed=Claim(accuracy=0.7866, loss=0.657, gap=0.0445),
    images=Images(size=32, train=40_000, validation=10_000),
    network="s3-baseline",
    phase_1=_ADAM,
    assumed=(_STEPS, "at most 50 epochs", _STOPS, *_LAYERS),
)
AUGMENTED = replace(
    BASELINE,
    name="s3-augmented",
    network="s3-augmented",
    claimed=Claim(accuracy=0.8057, loss=0.577, gap=0.0055),
    assumed=(*BASELINE.assumed, _NORMS),
    augment=(
        augment.flip(),
        augment.rotation(0.1),
        augment.zoom(0.1),
        augment.shift(0.1),
        augment.contrast(0.1),
    ),
)
MOBILENETV2 = Recipe(
    name="s3-mobilenetv2",
    variant="as_published",
    system="S3",
    claimed=Claim(
        accuracy=0.8742,
        loss=0.369,
        gap=0.0089,
        f1={
            **{"frog": 0.93, "ship": 0.92, "automobile": 0.92},
            **{"dog": 0.82, "cat": 0.79},
        },
        note="8.76 points above its baseline",
    ),
    images=Images(size=96, train=40_000, validation=10_000),
    network="mobilenetv2",
    head=heads.classifier(hidden=(128,), dropout=0.3, input_dropout=0.5),
    interpolation="bilinear",
    phase_1=replace(_ADAM, epochs=20),
    assumed=(
        _STEPS,
        "at most 20 epochs",
        _STOPS,
        RELU,
        "the input that the weights want, a bilinear resize",
    ),
    notes=(_CHECKPOINT,),
)


def recipes() -> tuple[Recipe, ...]:
    """Return all variants of all models; no protocol has a flaw that is known."""
    return (
        BASELINE,
        _best.scratch(BASELINE, assumed=_LAYERS),
        AUGMENTED,
        _best.scratch(AUGMENTED, assumed=(*_LAYERS, _NORMS)),
        MOBILENETV2,
        _best.tuned(MOBILENETV2),
    )
