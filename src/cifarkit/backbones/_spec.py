"""What is known about a backbone before it is built."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole
from cifarkit._registry import require_known
from cifarkit._types import Arrays, Model, Tensor

RANDOM = "random"
"""The name of the weight set that is none: the weights are drawn."""


@dataclass(frozen=True)
class Filled:
    """Where the weights of a built model came from.

    Args:
        source: the label of the source that answered.
        digest: the `fingerprint` of the weights.
    """

    source: str
    digest: str


Graph: TypeAlias = Callable[[Tensor], Model]
"""Builds a network on a tensor of preprocessed images, `(N, H, W, 3)`."""

Fill: TypeAlias = Callable[[Model, int], Filled]
"""Sets the weights of a built model for images of a size in pixels."""

Reader: TypeAlias = Callable[[Path], Arrays]
"""Reads a weights file as arrays by `"layer/variable"`."""


@dataclass(frozen=True)
class WeightSet:
    """Weights of fixed bytes, with the graph and the input that they belong to.

    Args:
        name: its name within the backbone.
        graph: the network, in the arithmetic in which the weights were trained.
        preprocess: the input with which they were trained (a preprocess mode).
        fill: sets the weights; None leaves them random.
        licence: their licence, by its SPDX name.
        readers: how files of the original format are read, by suffix.
    """

    name: str
    graph: Graph = field(repr=False)
    preprocess: str
    fill: Fill | None = field(default=None, repr=False)
    licence: str = ""
    readers: Mapping[str, Reader] = field(
        default_factory=dict, repr=False, compare=False
    )


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone: its shape, its parts, its weights.

    Args:
        name: its name in the catalog, and of the models that it builds.
        title: its name in reports.
        features: the channels of the last feature map.
        recommended: a size in pixels that gives good accuracy for its time.
        blocks: a regular expression whose first group is the block of a layer, matched
            at the start of the layer's name; empty where there are no blocks.
        sets: the weight sets; the first is what `"imagenet"` means.
        stride: pixels of the image for each step of the last feature map.
        minimum: the smallest image, in pixels.
        citation: the paper.
    """

    name: str
    title: str
    features: int
    recommended: int
    blocks: str
    sets: tuple[WeightSet, ...]
    stride: int = 32
    minimum: int = 32
    citation: str = ""

    def __post_init__(self) -> None:
        if not self.sets:
            raise InvalidArgument(
                f"Expected at least one weight set for {self.name!r}; received none. "
                "The first one is the default."
            )

    @property
    def default(self) -> WeightSet:
        """The weight set that `"imagenet"` means."""
        return self.sets[0]

    def weights(self, name: str) -> WeightSet:
        """Return a weight set by name; `"imagenet"` is the default one.

        Raises:
            UnknownName: there is no such set.
        """
        by_name = {"imagenet": self.default} | {each.name: each for each in self.sets}
        kind, listing = f"weight set of {self.name}", "cifarkit.backbones.spec()"
        require_known(kind, name, by_name, listing)
        return by_name[name]

    def block_of(self, layer: str) -> str | None:
        """Return the block to which a layer belongs, None in stem and top.

        Example:
            >>> spec("mobilenetv2").block_of("block_11_expand_BN")
            'block_11'
        """
        found = re.match(self.blocks, layer) if self.blocks else None
        return found.group(1) if found else None

    def check_size(self, size: object) -> None:
        """Raise unless `size` is a size of images that this backbone can take.

        Raises:
            InvalidArgument: it is no whole number, or below the minimum.
        """
        if not is_whole(size):
            expected = "a size in pixels, a whole number"
        elif size < self.minimum:
            expected = f"images of at least {self.minimum} x {self.minimum} pixels"
        else:
            return
        raise InvalidArgument(
            f"Expected {expected}, for {self.name}; received {size!r}. "
            f"Recommended is {self.recommended}."
        )
