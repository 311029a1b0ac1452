"""Published CIFAR-10 projects as recipes: print one, change it, run it.

Each model of the five projects S0 to S4 has a name and up to three variants: as it was
published, with the flaw of its protocol removed, and our best with the same network
and images. What a project does not state was chosen here, and says so.

Example:
    >>> from cifarkit import recipes
    >>> recipe = recipes.get("s0-mobilenetv2-finetuned", "as_published")
    >>> recipe.claimed.accuracy
    0.9024
    >>> result, evaluation = recipe.run()                        # doctest: +SKIP
"""

from cifarkit.recipes._catalog import get, names, variants
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.recipes._ledger import ledger_row
from cifarkit.recipes._recipe import Recipe, Variant

__all__ = [
    "Claim",
    "Images",
    "Recipe",
    "Variant",
    "get",
    "ledger_row",
    "names",
    "variants",
]
