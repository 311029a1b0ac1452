"""What the projects wished for and never ran, and some more, as recipes of our own."""

from dataclasses import replace
from typing import Any

from cifarkit import augment, heads
from cifarkit.recipes import _best, _s1, _s2, _s3
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._recipe import Recipe
from cifarkit.training import PHASE_1, PHASE_2

_BASICS = (augment.flip(), augment.crop(4))
_COLOUR = augment.color_jitter(brightness=0.1, contrast=0.1, saturation=0.2, hue=0.02)


def _backbone(network: str, *wishers: str) -> Recipe:
    """Return the two phases of `TwoPhaseTrainer` on another backbone."""
    return Recipe(
        name=f"ours-{network}",
        variant="best",
        system="ours",
        claimed=_wished(*wishers),
        images=Images(size=160),
        network=network,
        head=heads.classifier(),
        phase_1=PHASE_1,
        phase_2=PHASE_2,
        augment=(augment.flip(),),
    )


def _changed(recipe: Recipe, name: str, *wishers: str, **changes: Any) -> Recipe:
    plain: dict[str, Any] = {"system": "ours", "claimed": _wished(*wishers)}
    return replace(recipe, name=f"ours-{name}", **{**plain, **changes})


def _wished(*systems: str) -> Claim:
    if not systems:
        return Claim(note="no project asked for it")
    return Claim(note=f"wished for by {' and '.join(systems)}, not measured there")


def recipes() -> tuple[Recipe, ...]:
    """Return them all."""
    cnn = _best.scratch(_s3.AUGMENTED)
    cycle = replace(cnn.phase_1, schedule="linear", warmup=0.3)
    plateau = replace(cnn.phase_1, schedule="plateau")
    return (
        _changed(_best.scratch(_s2.M6), "scratch", network="ours-cnn"),
        _backbone("efficientnetlite0", "S0", "S4"),
        _backbone("efficientnetb0", "S0", "S1", "S4"),
        _backbone("vgg16", "S0"),
        _backbone("densenet121", "S4"),
        _changed(
            _best.tuned(_s1.TUNED), "resnet50-all", "S1", "S4", images=Images(size=128)
        ),
        _changed(cnn, "mixup", augment=(*_BASICS, augment.mixup())),
        _changed(cnn, "cutmix", "S4", augment=(*_BASICS, augment.cutmix())),
        _changed(cnn, "colour", "S1", "S4", augment=(*_BASICS, _COLOUR)),
        _changed(cnn, "plateau", "S1", phase_1=plateau),
        _changed(cnn, "onecycle", phase_1=cycle),
    )
