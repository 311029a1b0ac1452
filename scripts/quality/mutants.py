"""How many small faults in the pure modules the tests notice.

python scripts/quality/mutants.py --json docs/results/mutants.json

mutmut changes a comparison, a number or a call in each place of metrics, splits,
freezing and keys, one at a time, and runs the tests that reach it (settings in
pyproject.toml). Texts of errors are left alone.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import options, tell  # noqa: E402

LEAST = 0.85
NOTICED = ("killed", "timeout", "caught by type check")


def main():
    """Let mutmut do its work, and tell what survived."""
    given = options(__doc__)
    environment = {**os.environ, "CI": "true"}  # hypothesis draws the same each time
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # verdicts of an earlier run
    subprocess.run(["mutmut", "run"], cwd=ROOT, env=environment, check=True)
    listing = subprocess.run(
        ["mutmut", "results", "--all", "true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    states = {}
    for line in listing.stdout.splitlines():
        name, _, state = line.strip().rpartition(": ")
        states[name] = state
    counts = Counter(states.values())
    noticed = sum(counts[state] for state in NOTICED)
    figures = {
        "mutants": len(states),
        "states": dict(counts),
        "noticed": noticed / len(states),
        "unnoticed": sorted(n for n, state in states.items() if state not in NOTICED),
    }
    tell(figures, given.json)
    assert figures["noticed"] >= LEAST, json.dumps(figures["states"])


if __name__ == "__main__":
    main()
