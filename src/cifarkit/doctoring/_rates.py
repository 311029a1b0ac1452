"""CK109: a rate at which pretrained layers forget.

The limits are where short runs of MobileNetV2 began to lose what phase 1 had reached.
"""

from collections.abc import Iterator
from typing import Any

from cifarkit.backbones import RANDOM, Backbone
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import is_convolution, places
from cifarkit.doctoring._ranges import FAMILIES, family

_SOME, _ALL, _SGD = 2e-3, 3e-4, 0.2
_SCALES = {"lion": 5.0} | dict.fromkeys(
    ("adam", "adamw", "nadam", "adamax", "rmsprop", "lamb", "schedulefreeadamw"), 1.0
)
_FAR = 5


def rate(case: Case) -> Iterator[Finding]:
    """CK109: a learning rate that harms the pretrained layers which it moves."""
    backbone = getattr(case.course, "backbone", None)
    drawn = isinstance(backbone, Backbone) and backbone.weights.name == RANDOM
    for number, plan in enumerate(case.plan.phases if case.plan else (), start=1):
        learn, layers = plan.backbone.layers
        if learn and not drawn:
            phase, name = plan.phase, _name(plan.phase.optimizer)
            rate = phase.learning_rate * phase.rate_decay  # that of the last block
            everything = learn == layers and phase.rate_decay == 1
            limit = _limit(name, phase.optimizer, everything)
            yield from _judged(rate, limit, name, everything, f"phase {number}")
    yield from _of_a_model(case)


def _of_a_model(case: Case) -> Iterator[Finding]:
    optimizer = getattr(case.plain, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    found = family(case.plain) if case.plain is not None else None
    peak = _peak(getattr(optimizer, "_learning_rate", None))
    if found is None or peak is None:
        return
    known = list(places(case.plain))
    graph = next((each.graph for each in known if each.layer.name in FAMILIES), None)
    layers = [
        each.layer
        for each in known
        if is_convolution(each.layer)
        and graph in (None, each.graph)  # what is around it learns as it likes
    ]
    if any(layer.trainable for layer in layers):
        everything = layers[0].trainable
        limit = _limit(_name(optimizer), optimizer, everything)
        where = f"{found[0]} (if its weights are pretrained)"
        for each in _judged(peak, limit, _name(optimizer), everything, where):
            yield Finding(each.code, "warning", each.title, each.detail, each.advice)


def _judged(
    rate: float, limit: float | None, name: str, everything: bool, where: str
) -> Iterator[Finding]:
    if limit is None or rate <= limit * (1 + 1e-6):
        return
    layers = "all layers" if everything else "the last layers"
    yield Finding(
        "CK109",
        "error" if rate >= _FAR * limit else "warning",
        "A rate too high for pretrained layers",
        f"{name} moves {layers} at up to {rate:g} in {where}. Above {limit:g} "
        "pretrained features were lost faster than new ones were learned.",
        f"Set the learning rate to {limit:g} or less, with warm-up.",
    )


def _limit(name: str, optimizer: Any, everything: bool) -> float | None:
    """Return the highest rate that is not spoken of; None for unknown optimizers."""
    kind = name.lower()
    if kind == "sgd":
        momentum = float(getattr(optimizer, "momentum", 0.0) or 0.0)
        return _SGD * (1 - momentum)
    if kind not in _SCALES:
        return None
    return (_ALL if everything else _SOME) / _SCALES[kind]


def _name(thing: Any) -> str:
    return thing if isinstance(thing, str) else type(thing).__name__


def _peak(rate: Any) -> float | None:
    """Return the highest rate of a number, a variable or a Keras schedule."""
    starts = [
        getattr(rate, name, None) for name in ("initial_learning_rate", "warmup_target")
    ]
    known = [float(each) for each in starts if each is not None]
    if known:
        return max(known)
    try:
        return float(rate)
    except (TypeError, ValueError):
        return None
