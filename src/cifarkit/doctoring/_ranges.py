"""CK103: what reaches a backbone, measured with a few images in inference."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._types import Model
from cifarkit.backbones import Backbone
from cifarkit.backbones._preprocess import is_ours
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import Place, is_convolution, places
from cifarkit.doctoring._part import Part
from cifarkit.doctoring._shapes import fitting

_UNIT, _CAFFE, _TORCH = (-1.0, 1.0), (-123.68, 151.06), (-2.12, 2.64)

# A layer that only one family has, the family, and what its first convolution takes.
FAMILIES = {
    "block_16_project": ("MobileNetV2", _UNIT),
    "conv_pw_13": ("MobileNet", _UNIT),
    "expanded_conv_project": ("MobileNetV3", _UNIT),
    "post_bn": ("ResNetV2", _UNIT),
    "conv5_block3_3_bn": ("ResNet", _CAFFE),
    "conv5_block16_concat": ("DenseNet", _TORCH),
    "block5_conv3": ("VGG", _CAFFE),
    "block14_sepconv2": ("Xception", _UNIT),
    "mixed10": ("InceptionV3", _UNIT),
    "conv_7b_ac": ("InceptionResNetV2", _UNIT),
    "normal_concat_12": ("NASNetMobile", _UNIT),
    "top_conv": ("EfficientNet", _TORCH),
}
_OPEN = ("EfficientNet",)  # it begins with a normalisation that weights=None lacks
_TOO_SMALL, _TOO_LARGE, _SLACK = 0.1, 2.0, 0.1
_APART = 10
_ADVICE = (
    "Feed RGB in [0, 255] and convert once, inside of the network: with "
    "keras.applications' own preprocess_input, or with backbones.get()."
)


def input_range(case: Case) -> Iterator[Finding]:
    """CK103: images on another scale than the backbone's weights were trained with."""
    yield from _as_told(case)
    yield from _apart(case.parts)
    odd = [x.name for x in case.parts if not np.isfinite((x.low, x.high)).all()]
    if odd:
        detail = f"Some values of the {' and '.join(odd)} images are no finite numbers."
        yield _wrong(detail, "Find out how they came about, and replace them.")
    if case.train.name in odd:
        return
    if case.course is not None and case.train.high <= 1:
        yield _wrong(
            f"The training images have values from {case.train.low:g} to "
            f"{case.train.high:g}. A trainer takes RGB in [0, 255].",
            "Multiply the images by 255; the backbone scales them itself.",
        )
    elif case.graph:
        yield from _as_measured(case.graph, case.train, wrapped=_is_wrapped(case))


def _apart(parts: Sequence[Part]) -> Iterator[Finding]:
    """Say where one part reaches ten times as high as another."""
    first, *others = parts
    for other in others:
        low, high = sorted((first.high, other.high))
        if low > 0 and high > _APART * low:
            yield _wrong(
                f"The {first.name} images go up to {first.high:g}, the {other.name} "
                f"images up to {other.high:g}.",
                "Scale all parts alike, or leave it to a layer of the network.",
                severity="warning",
            )


def family(
    model: Model, *, wrapped: bool = False
) -> tuple[str, Place, tuple[float, float]] | None:
    """Return which known backbone is in a network, where it begins, what it takes.

    The beginning is its first convolution, or the preprocessing layer of cifarkit
    before it, which takes [0, 255].

    Args:
        model: the network.
        wrapped: whether the backbone is one of the user's own, and a wrap put the
            layer before it, which need not be the right one.
    """
    found = list(places(model))
    known = _known(found)
    for place in found:
        if is_ours(place.layer) and not (wrapped and known):
            return "a backbone of cifarkit", place, (0.0, 255.0)
    return known


def _known(found: Sequence[Place]) -> tuple[str, Place, tuple[float, float]] | None:
    """Return the family of keras.applications among layers, if there is one."""
    names = {each.layer.name for each in found}
    known = next((FAMILIES[mark] for mark in FAMILIES if mark in names), None)
    first = next((each for each in found if is_convolution(each.layer)), None)
    return (known[0], first, known[1]) if known and first else None


def _is_wrapped(case: Case) -> bool:
    backbone = case.course.backbone if case.course else None
    if not isinstance(backbone, Backbone) or backbone.weights.name != "wrapped":
        return False
    return backbone.preprocess != "raw"  # else what converts is the network's own


def _as_told(case: Case) -> Iterator[Finding]:
    backbone = case.course.backbone if case.course else None
    if not isinstance(backbone, Backbone):
        return
    weights = backbone.weights
    trained = weights.fill and weights.name != "wrapped"
    if not trained or weights.preprocess == backbone.preprocess:
        return
    yield _wrong(
        f"{backbone.name} is told preprocess={backbone.preprocess!r}, but its "
        f"{weights.name!r} weights were trained with {weights.preprocess!r}.",
        "Leave preprocess='auto', unless a published run is to be repeated.",
        severity="warning",
    )


def _as_measured(graph: Model, part: Part, *, wrapped: bool) -> Iterator[Finding]:
    images, found = fitting(graph, part), family(graph, wrapped=wrapped)
    scale = next((each for each in (1.0, 255.0) if part.high <= each), part.high)
    least = scale / 2 if part.low >= 0 else (part.high - part.low) / 4
    if images is None or np.ptp(images) < least:
        return
    if found is None:
        yield from _unscaled(graph, images)
        return
    name, place, (low, high) = found
    values = place.arriving(images)
    ends = float(values.min()), float(values.max())
    width = (ends[1] - ends[0]) / (high - low)
    margin = _SLACK * (high - low)
    inside = low - margin <= ends[0] and ends[1] <= high + margin
    detail = (
        f"Values from {ends[0]:.3g} to {ends[1]:.3g} reach {place.layer.name!r} of "
        f"{name}, which takes {low:g} to {high:g}."
    )
    if not _TOO_SMALL <= width <= _TOO_LARGE:
        # Weights of a user's own may want what keras.applications' do not.
        own = wrapped or part.low < -1
        yield _wrong(detail, _ADVICE, severity="warning" if own else "error")
    elif not inside or (ends[0] >= 0 > low and name not in _OPEN):
        yield _wrong(detail, _ADVICE, severity="warning")


def _unscaled(graph: Model, images: NDArray[np.float32]) -> Iterator[Finding]:
    first = next((each for each in places(graph) if each.layer.weights), None)
    dense = first and type(first.layer).__name__ == "Dense"
    if first and (dense or is_convolution(first.layer)):
        largest = float(np.abs(first.arriving(images)).max())
        if largest > 20:
            yield _wrong(
                f"Values up to {largest:.3g} reach {first.layer.name!r}, the first "
                "layer with weights. Large inputs make training slow and unsteady.",
                "Begin the network with keras.layers.Rescaling(1 / 255).",
                severity="note",
            )


def _wrong(detail: str, advice: str, severity: Any = "error") -> Finding:
    title = "Images on another scale than the network takes"
    return Finding("CK103", severity, title, detail, advice)
