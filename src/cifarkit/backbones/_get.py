"""A name and a few choices become a backbone."""

import logging
import os
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit.backbones._build import Backbone
from cifarkit.backbones._catalog import spec
from cifarkit.backbones._weights import choose

_log = logging.getLogger(__name__)


def get(
    name: str,
    *,
    weights: str | os.PathLike[str] | None = "imagenet",
    size: int | None = None,
    preprocess: str = "auto",
    interpolation: str = "bicubic",
) -> Backbone:
    """Return a pretrained backbone: nothing is built or fetched yet.

    Args:
        name: one of `names()`.
        weights: a set of the backbone (`"imagenet"` is its default one, `"keras"` that
            of keras.applications); None for random weights; or the path of a file:
            `.npz` with one array for each `"layer/variable"`, `.weights.h5` as saved
            from what `build` returns, both for the default set's network, `.h5` as
            published by keras.applications, `.pth` for a network from PyTorch.
        size: the only size in pixels that the backbone shall be built for; None for
            any.
        preprocess: what is done to RGB in [0, 255]: `"auto"` is what the weights were
            trained with; `"raw"` nothing; `"unit"` gives [0, 1]; `"tf"` [-1, 1];
            `"torch"` mean 0 and deviation 1 in each channel of ImageNet; `"caffe"`
            BGR less the ImageNet mean; `"lite"` `(x - 127) / 128`.
        interpolation: how images are resized to the size of the network: `"bicubic"`,
            which is sharper where small images are enlarged, `"bilinear"` or
            `"nearest"`.

    Raises:
        UnknownName: no such backbone, weight set, preprocess mode or interpolation.
        SourceError: a path, and no file is there.
        InvalidArgument: a file that this backbone does not read, or a size that it
            does not take.

    Example:
        >>> backbones.get("mobilenetv2", weights=None).build(96).output_shape
        (None, 3, 3, 1280)
    """
    found = spec(name)
    chosen = choose(found, weights)
    mode = chosen.preprocess if preprocess == "auto" else preprocess
    backbone = Backbone(found, chosen, mode, size, interpolation)
    if chosen.fill and mode != chosen.preprocess:
        _log.warning(
            "%s gets %r input, but its weights were trained with %r.",
            *(name, mode, chosen.preprocess),
        )
    return backbone


def as_backbone(given: Any) -> Backbone:
    """Return a backbone as it is, or the one of a name.

    Raises:
        InvalidArgument: this is neither.
        UnknownName: there is no backbone of that name.
    """
    if isinstance(given, str):
        return get(given)
    if isinstance(given, Backbone):
        return given
    raise InvalidArgument(
        f"Expected a name or a Backbone; received {given!r}. "
        "See backbones.names(), backbones.get() and backbones.wrap()."
    )
