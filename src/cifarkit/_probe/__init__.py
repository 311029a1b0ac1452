"""Which backbone, and at which size: a linear probe of each, from one pass.

Example:
    >>> from cifarkit import datasets, probe
    >>> print(probe(datasets.cifar10(size=160)))  # doctest: +SKIP
"""

from cifarkit._probe._probes import Probed, Probes
from cifarkit._probe._run import probe

__all__ = ["Probed", "Probes", "probe"]
