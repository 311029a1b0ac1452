"""What is probed, and on which images: checked before anything runs."""

from itertools import product
from typing import Any, TypeAlias

import numpy as np

from cifarkit import backbones as catalog
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._numbers import require_whole
from cifarkit.backbones import Backbone
from cifarkit.datasets import Split, Splits
from cifarkit.training._inputs import data_of

Pair: TypeAlias = tuple[Backbone, int]
"""A backbone, and the side in pixels at which it sees the images."""


def pairs_of(backbones: Any, sizes: Any) -> list[Pair]:
    """Return all pairs of the arguments of `probe`.

    Raises:
        InvalidArgument: a pair that cannot run, or that is there twice.
        UnknownName: there is no such backbone.
    """
    for name, given in (("backbones", backbones), ("sizes", sizes)):
        if not isinstance(given, tuple | list) or not given:
            raise InvalidArgument(
                f"Expected {name} as a tuple of at least one; received {given!r}. "
                f"Write {name}=(one,) for one."
            )
    pairs = list(product(map(catalog.as_backbone, backbones), sizes))
    for backbone, size in pairs:
        backbone.spec.check_size(size)
        if backbone.size not in (None, size):
            raise InvalidArgument(
                f"Expected sizes=({backbone.size},) for this {backbone.name}, which is "
                f"fixed to it; received {size}. Probe it in a call of its own."
            )
    if len(set(pairs)) < len(pairs):
        raise InvalidArgument(
            "Expected each backbone and each size once; received one of them twice. "
            "Leave out what is there already."
        )
    return pairs


def training_images(data: Any, images: int, seed: int) -> Split:
    """Return the training images that probes are fitted to.

    Raises:
        InvalidArgument: `images` or `seed` is out of range.
        InvalidData: there are no validation images, or there is a class without
            training images.
    """
    require_whole("images", images)
    if not isinstance(data, Splits) or not len(data.validation):
        raise InvalidData(
            "Expected Splits with validation images, on which probes are scored; "
            f"received {data!r}. See datasets.from_arrays(..., validation=0.1)."
        )
    data_of(data)  # raises what training would raise
    train = data.train.take(min(int(images), len(data.train)), seed)
    counts = np.bincount(train.labels, minlength=len(train.class_names))
    if len(counts) < 2 or not counts.all():
        raise InvalidData(
            "Expected two classes or more, and training images of each; received "
            f"{len(counts)} classes, and {counts.min()} images of class "
            f"{counts.argmin()}. Ask for more images, or leave such classes out."
        )
    return train
