"""All recipes by name and variant."""

import functools
from collections.abc import Mapping

from cifarkit._registry import require_known
from cifarkit.recipes import _s0, _s1, _s2, _s3, _s4, _wishes
from cifarkit.recipes._recipe import Recipe, Variant

Variants = Mapping[str, Recipe]


def names() -> tuple[str, ...]:
    """Return the names of all recipes: those of S0 to S4, then ours."""
    return tuple(_all())


def variants(name: str) -> tuple[str, ...]:
    """Return the variants that a recipe has; `"fixed"` only where there is a flaw.

    Raises:
        UnknownName: no recipe has that name.
    """
    return tuple(_of(name))


def get(name: str, variant: Variant = "best") -> Recipe:
    """Return a recipe.

    Args:
        name: one of `names()`.
        variant: one of `variants(name)`.

    Raises:
        UnknownName: no recipe has that name, or not in that variant.

    Example:
        >>> get("s0-mobilenetv2-finetuned", "as_published").phase_2.unfreeze
        50
    """
    found = _of(name)
    listing = f"cifarkit.recipes.variants({name!r})"
    require_known(f"variant of {name!r}", variant, found, listing)
    return found[variant]


def _of(name: str) -> Variants:
    known = _all()
    require_known("recipe", name, known, "cifarkit.recipes.names()")
    return known[name]


@functools.cache
def _all() -> Mapping[str, Variants]:
    table: dict[str, dict[str, Recipe]] = {}
    for system in (_s0, _s1, _s2, _s3, _s4, _wishes):
        for recipe in system.recipes():
            table.setdefault(recipe.name, {})[recipe.variant] = recipe
    return table
