"""Frozen parts that know the images that they have seen."""

import hashlib
import threading
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from cifarkit._types import Floats, Images, Model
from cifarkit.activations import PLAIN, Activations, Cache, cache_of, extract, pooled
from cifarkit.backbones import Backbone
from cifarkit.heads import Pooling

MOST = 32
"""Arrays of images whose features are at hand, the last ones that were asked for; each
of them may hold a file open."""


@dataclass(frozen=True)
class Part:
    """What a frozen part is made of.

    Args:
        backbone: the backbone.
        size: side in pixels at which it sees the images.
        pooling: how its feature map becomes features.
        native: height and width of the images.
        cache: how features are computed and kept.

    Raises:
        InvalidArgument: the backbone does not take images of this size, or `cache` is
            neither a `Cache` nor None.
    """

    backbone: Backbone
    size: int
    pooling: Pooling
    native: tuple[int, int]
    cache: Cache | None

    def __post_init__(self) -> None:
        self.backbone.spec.check_size(self.size)
        cache_of(self.cache)

    def network(self) -> Model:
        """Return a network from native images to features."""
        trunk = self.backbone.build(self.size)
        return pooled(
            trunk,
            native=self.native,
            interpolation=self.backbone.interpolation,
            pooling=self.pooling,
        )


@final
class Shared:
    """The frozen parts that a transformer and its clones have made ready.

    A copy, through pickle or without, is empty.
    """

    def __init__(self) -> None:
        self._frozen: dict[Part, Frozen] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, ()

    def frozen(self, part: Part) -> "Frozen":
        """Return a frozen part, the same one to all who ask."""
        with self._lock:  # folds may run in threads
            if part not in self._frozen:
                self._frozen[part] = Frozen(part.network(), part.cache)
            return self._frozen[part]


@final
class Frozen:
    """A frozen part, and where the features of the images are that it has seen.

    A copy through pickle takes the network with it, and forgets the images.

    Args:
        network: a `keras.Model` from images to features, `(N, F)`. Its weights must
            not change any more.
        cache: how features are computed and kept.
    """

    def __init__(self, network: Model, cache: Cache | None) -> None:
        self.shape: tuple[int, ...] = tuple(network.input_shape[1:])
        self.width = int(network.output_shape[1])
        self._network, self._cache = network, cache
        self._seen: list[tuple[dict[bytes, int], Activations]] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (self._network, self._cache)

    def features(self, images: Images) -> Floats:
        """Return the features of images, float32, shape `(N, F)`.

        Args:
            images: uint8, shape `(N, *shape)`.

        Raises:
            TrainingError: as `activations.extract`.
            SourceError: likewise.
            MissingExtra: likewise.
        """
        names = [_digest(image) for image in images]
        found = np.empty((len(images), self.width), np.float32)
        with self._lock:
            self._see(names, images)
            for rows, activations in self._seen:
                here = [place for place, name in enumerate(names) if name in rows]
                there = np.array([rows[names[place]] for place in here], np.int64)
                noise = np.empty((len(here), PLAIN.draws), np.float32)
                found[here] = activations.take(there, noise)
        return found

    def _see(self, names: list[bytes], images: Images) -> None:
        """Compute the images that are not at hand, each distinct one once."""
        self._seen.sort(key=lambda seen: not seen[0].keys().isdisjoint(names))
        new = self._new(names)
        if new and len(self._seen) == MOST:
            del self._seen[0]
            new = self._new(names)
        if new:
            chosen = images[list(new.values())]
            activations = extract(self._network, chosen, cache=self._cache)
            self._seen.append(({name: n for n, name in enumerate(new)}, activations))

    def _new(self, names: list[bytes]) -> dict[bytes, int]:
        """Return the places of the images that are not at hand, by their digests."""
        known = {name for rows, _ in self._seen for name in rows}
        return {name: n for n, name in enumerate(names) if name not in known}


def _digest(image: Images) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
