"""What every script of this folder tells: how it was run, where, and what came out."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "examples" / "benchmarks"), str(ROOT)]

from measuring import command, peak_rss, write_json  # noqa: E402

__all__ = ["ROOT", "peak_rss", "tell"]


def tell(figures, path=None, *, seed=0):
    """Print figures as JSON, and write them where asked, with how they came about."""
    from surroundings import surroundings  # Keras is not loaded before it is needed

    told = {"command": command(), "seed": seed, **surroundings(), **figures}
    print(json.dumps(told, indent=2))
    if path:
        write_json(path, told)
