"""Pretrained networks that take RGB images in [0, 255], whatever they were trained on.

names()     the catalog
spec()      what is known about one of them
get()       one of them, with its weights
wrap()      your own network in their place
"""

from cifarkit.backbones._build import INTERPOLATIONS, Backbone
from cifarkit.backbones._catalog import names, spec
from cifarkit.backbones._get import as_backbone, get
from cifarkit.backbones._spec import RANDOM, BackboneSpec, WeightSet
from cifarkit.backbones._wrap import wrap

__all__ = [
    "INTERPOLATIONS",
    "RANDOM",
    "Backbone",
    "BackboneSpec",
    "WeightSet",
    "as_backbone",
    "get",
    "names",
    "spec",
    "wrap",
]
