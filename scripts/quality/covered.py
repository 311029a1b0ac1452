"""How much of the source the tests run, by branches.

python scripts/quality/covered.py --json docs/results/coverage.json

Processes that the tests start count too. Twenty minutes on 2 cores.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import options, tell  # noqa: E402

LEAST = 90.0  # per cent


def main():
    """Run all tests under coverage, and tell what of the source they ran."""
    given = options(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        data = f"--data-file={folder}/coverage"
        python("-m", "coverage", "erase", data)
        for tests in (
            ("-m", "not alone", "-n", "2", "--dist", "loadfile"),
            ("-m", "alone"),
        ):
            python("-m", "coverage", "run", data, "-m", "pytest", "-q", *tests)
        python("-m", "coverage", "combine", "--quiet", data)
        python("-m", "coverage", "json", "--quiet", data, "-o", f"{folder}/found.json")
        found = json.loads((Path(folder) / "found.json").read_text())
    total = found["totals"]
    files = {
        name: round(each["summary"]["percent_covered"], 1)
        for name, each in found["files"].items()
    }
    figures = {
        "percent": total["percent_covered"],
        "lines": total["num_statements"],
        "branches": total["num_branches"],
        "branches_run": total["covered_branches"],
        "least_covered": dict(sorted(files.items(), key=lambda item: item[1])[:15]),
    }
    tell(figures, given.json)
    assert figures["percent"] >= LEAST, f"less than {LEAST} % of the source is run"


def python(*words):
    """Run Python in the project's folder."""
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
