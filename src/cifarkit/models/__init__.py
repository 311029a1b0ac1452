"""Whole networks: a backbone and a head put together, or trained from scratch.

Every model takes raw RGB in [0, 255], gives class probabilities, and holds only
built-in Keras layers: a saved one loads where Keras alone is installed.
"""

from cifarkit.models.assembly import assemble
from cifarkit.models.computing import (
    device_kind,
    devices,
    on_one_tensorflow_cpu,
    on_tensorflow_cpu,
    require_channels_last,
    with_cards,
)
from cifarkit.models.copying import UNWRITABLE, copy_of, namesake, settle
from cifarkit.models.folding import folded
from cifarkit.models.graphs import calls, is_graph, uncompiled
from cifarkit.models.kernels import accelerated
from cifarkit.models.loading import check_hdf5, loaded, named_objects
from cifarkit.models.networks import cnn, names
from cifarkit.models.resizing import without_resizing
from cifarkit.models.seeding import redraw, reseed

__all__ = [
    "UNWRITABLE",
    "accelerated",
    "assemble",
    "calls",
    "check_hdf5",
    "cnn",
    "copy_of",
    "device_kind",
    "devices",
    "folded",
    "is_graph",
    "loaded",
    "named_objects",
    "names",
    "namesake",
    "on_one_tensorflow_cpu",
    "on_tensorflow_cpu",
    "redraw",
    "require_channels_last",
    "reseed",
    "settle",
    "uncompiled",
    "with_cards",
    "without_resizing",
]
