"""Every recipe in its short form: one epoch, 2,000 images of each split.

python scripts/newcomer/short_recipes.py --json docs/results/short_recipes.json

Each is to end within two minutes on 2 cores, with images and weights at hand and
nothing computed of them before. Those whose weights no source has are named. Of what
takes longer, `at_the_peak` tells how long the multiplications of each image's way
through the network take at the speed of this machine's fastest float32 matrix product:
above two minutes, convolutions as products cannot be done in time.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts" / "chaos"), str(ROOT / "examples" / "benchmarks")]

from roofline import matrix_products, operations  # noqa: E402
from telling import parser, tell  # noqa: E402

from cifarkit import _store, backbones, models, recipes  # noqa: E402

MOST = 120
"""Seconds that a short run may take."""
LIMIT = 2000
SHORT = "--epochs", "1", "--limit", str(LIMIT)


def main():
    """Run one after the other; fail where one fails or takes longer than it must."""
    making = parser(__doc__)
    making.add_argument("--variant", default="best")
    given = making.parse_args()
    seconds, unavailable = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name in recipes.names():
            if given.variant in recipes.variants(name):
                began = time.perf_counter()
                if run(name, given.variant, folder):
                    seconds[name] = time.perf_counter() - began
                    print(f"{name}: {seconds[name]:.0f} s", flush=True)
                else:
                    unavailable.append(name)
    slow = [name for name, lasted in seconds.items() if lasted > MOST]
    told = {"variant": given.variant, "seconds": seconds, "unavailable": unavailable}
    bounds = at_the_peak([recipes.get(name, given.variant) for name in slow])
    tell({**told, "at_the_peak": bounds}, given.json)
    late = [name for name, bound in bounds.items() if bound < MOST]
    sys.exit(bool(late) and f"More than {MOST} s: {', '.join(late)}")


def run(name, variant, folder):
    """Run a recipe; return whether its weights could be had."""
    words = "--recipe", name, "--variant", variant, *SHORT
    home = Path(folder) / name
    home.mkdir()
    (home / _store.ARRAYS).symlink_to(_store.folder(_store.ARRAYS))
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "run_recipe.py", *words],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CIFARKIT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "SourceError" not in done.stderr:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return not done.returncode


def at_the_peak(slow):
    """Return the seconds of each recipe's images through its network, at the peak."""
    if not slow:
        return {}
    products = matrix_products(4096).values()
    peak = max(product() for _ in range(5) for product in products)
    images = 3 * LIMIT
    return {each.name: images * operations(network(each)) / peak for each in slow}


def network(recipe):
    """Return the network of a recipe, with other weights and without its head."""
    if recipe.head is None:
        return models.cnn(recipe.network, classes=10, size=recipe.images.size)
    return backbones.get(recipe.network, weights=None).build(recipe.images.size)


if __name__ == "__main__":
    main()
