"""What a frozen part of a network gives for each image, computed once and kept.

Recomputing a frozen part in every epoch is most of the work of transfer learning on one
machine. Here a network is cut where one tensor alone passes from the frozen part to the
part that learns; the frozen part runs once per view of an image, and the rest learns
from what it gave.
"""

from cifarkit.activations._cut import Cut, cut_at
from cifarkit.activations._extract import Activations, extract
from cifarkit.activations._graph import Boundary, boundary
from cifarkit.activations._views import Views, views_of

__all__ = [
    "Activations",
    "Boundary",
    "Cut",
    "Views",
    "boundary",
    "cut_at",
    "extract",
    "views_of",
]
