"""Every recipe in its short form: one epoch, 2,000 images of each split.

python scripts/newcomer/short_recipes.py --json docs/results/short_recipes.json

Each is to end within two minutes on 2 cores. Those whose weights no source at hand has
are named.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import parser, tell  # noqa: E402

from cifarkit import recipes  # noqa: E402

MOST = 120
"""Seconds that a short run may take."""
SHORT = "--epochs", "1", "--limit", "2000"


def main():
    """Run one after the other; fail where one fails or takes too long."""
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
    tell({**told, "slower": slow}, given.json)
    sys.exit(bool(slow) and f"More than {MOST} s: {', '.join(slow)}")


def run(name, variant, folder):
    """Run a recipe; return whether its weights could be had."""
    words = "--recipe", name, "--variant", variant, *SHORT
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "run_recipe.py", *words],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "SourceError" not in done.stderr:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return not done.returncode


if __name__ == "__main__":
    main()
