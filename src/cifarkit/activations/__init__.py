"""What a frozen part of a network gives for each image, computed once and kept.

Recomputing a frozen part in every epoch is most of the work of transfer learning on one
machine. Here a network is cut where one tensor alone passes from the frozen part to the
part that learns; the frozen part runs once per view of an image, and the rest learns
from what it gave.
"""

from cifarkit.activations._activations import Activations
from cifarkit.activations._cache import Cache, cache_of
from cifarkit.activations._codec import Codec
from cifarkit.activations._cut import Cut, cut_at
from cifarkit.activations._engine import Engine, engine_for, preferred
from cifarkit.activations._extract import PLAIN, Extractor, extract
from cifarkit.activations._graph import Boundary, boundary
from cifarkit.activations._key import (
    Key,
    can_be_known,
    versions_of,
    weights_digest,
)
from cifarkit.activations._pooled import pooled
from cifarkit.activations._shelf import Entry, has_room, kept, prune, size
from cifarkit.activations._topology import topology
from cifarkit.activations._views import Drawn, Flips, Views, views_of

__all__ = [
    "PLAIN",
    "Activations",
    "Boundary",
    "Cache",
    "Codec",
    "Cut",
    "Drawn",
    "Engine",
    "Entry",
    "Extractor",
    "Flips",
    "Key",
    "Views",
    "boundary",
    "cache_of",
    "can_be_known",
    "cut_at",
    "engine_for",
    "extract",
    "has_room",
    "kept",
    "pooled",
    "preferred",
    "prune",
    "size",
    "topology",
    "versions_of",
    "views_of",
    "weights_digest",
]
