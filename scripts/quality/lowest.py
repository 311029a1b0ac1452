"""All tests with the lowest versions of all dependencies that are said to be supported.

python scripts/quality/lowest.py --json docs/results/lowest.json

uv picks the versions; they are installed into an environment of their own.
"""

import re
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import requires
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import options, tell  # noqa: E402

EXTRAS = "test", "openvino", "ray"


def main():
    """Pick, install, test, and tell which versions they were."""
    given = options(__doc__)
    core = {re.match(r"[\w-]+", each)[0] for each in requires("cifarkit") or ()}
    with tempfile.TemporaryDirectory(prefix="lowest-") as name:
        wanted = Path(name) / "lowest.txt"
        python = environment(Path(name), wanted)
        done = subprocess.run(
            ["make", "--silent", "test", f"PYTHON={python}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout[-10_000:])
        lines = wanted.read_text().splitlines()
    versions = dict(
        line.split("==") for line in lines if re.match(r"[\w.\[\]-]+==", line)
    )
    ends = [
        line for line in done.stdout.splitlines() if re.search(r" in [\d.]+s", line)
    ]
    tell(
        {
            "outcome": "; then ".join(line.strip("= ") for line in ends),
            "lowest": {name: versions[name] for name in sorted(core & set(versions))},
        },
        given.json,
    )
    sys.exit(done.returncode)


def environment(folder, wanted):
    """Return the Python of an environment with the lowest versions."""
    picking = ["uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct"]
    extras = [word for name in EXTRAS for word in ("--extra", name)]
    source = [*extras, "--output-file", wanted, ROOT / "pyproject.toml"]
    subprocess.run([*picking, *source], check=True)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q"]
    subprocess.run([*install, "-r", wanted], check=True)
    subprocess.run([*install, "--no-deps", ROOT], check=True)
    return python


if __name__ == "__main__":
    main()
