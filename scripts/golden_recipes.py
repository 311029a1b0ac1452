"""Write down every setting of every recipe: a change must be meant.

python scripts/golden_recipes.py

What the projects state was compared with them by hand, once; the tests hold it fast.
"""

import json
from dataclasses import asdict
from pathlib import Path

from cifarkit import recipes
from cifarkit.augment import compose

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "recipes.json"


def main():
    """Write the file."""
    GOLDEN.write_text(json.dumps(every(), indent=2) + "\n", encoding="utf-8")


def every():
    """Return the settings of all recipes in all their variants, by name and variant."""
    return {
        f"{name}.{variant}": told(recipes.get(name, variant))
        for name in recipes.names()
        for variant in recipes.variants(name)
    }


def told(recipe):
    """Return all settings of a recipe as JSON values."""
    named = ("system", "network", "weights", "preprocess", "interpolation")
    return {
        **{name: getattr(recipe, name) for name in named},
        "claimed": recipe.claimed.to_dict(),
        "images": asdict(recipe.images),
        "head": None if recipe.head is None else str(recipe.head),
        "phases": json.loads(json.dumps([each.to_dict() for each in recipe.phases])),
        "augmentation": str(compose(recipe.augment)),
        "assumed": list(recipe.assumed),
        "notes": list(recipe.notes),
    }


if __name__ == "__main__":
    main()
