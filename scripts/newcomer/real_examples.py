"""Every example in its real form, once for each release; what they print is kept.

python scripts/newcomer/real_examples.py --json docs/results/examples.json

What each prints goes into docs/results/examples. The main job and the recipes have
scripts of their own. Needs all extras.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import parser, tell  # noqa: E402

EXAMPLES, KEPT = ROOT / "examples", ROOT / "docs" / "results" / "examples"
ELSEWHERE = {"quickstart", "run_recipe"}


def main():
    """Run one after the other, in an empty folder; tell how long each took."""
    making = parser(__doc__)
    making.add_argument("names", nargs="*", help="of examples; by default all")
    given = making.parse_args()
    if given.names and given.json:
        making.error("the figures are those of all examples: leave out the names")
    names = given.names or [
        path.stem
        for path in sorted(EXAMPLES.glob("*.py"))
        if path.stem not in ELSEWHERE
    ]
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="examples-") as folder:
        seconds = {name: run(name, folder) for name in names}
    tell({"seconds": seconds}, given.json)


def run(name, folder):
    """Run an example, keep what it prints, and return its seconds."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    said = re.sub(r"tmp\w{8}", "tmp", done.stdout.replace(folder, "."))
    (KEPT / f"{name}.txt").write_text(said)
    print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
