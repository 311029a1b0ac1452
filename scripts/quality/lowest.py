"""All tests with the lowest versions of all dependencies that are said to be supported.

python scripts/quality/lowest.py --json docs/results/lowest.json

uv picks the versions, and installs them into an environment of their own. What old
versions say of new ones among themselves (deprecations) is no error there.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import elsewhere, options, tell  # noqa: E402

EXTRAS = "test,openvino,ray"


def main():
    """Install, test, and tell which versions they were."""
    given = options(__doc__)
    with tempfile.TemporaryDirectory(prefix="lowest-") as name:
        python = environment(Path(name))
        done = subprocess.run(
            ["make", "--silent", "test", f"PYTHON={python}"],
            cwd=ROOT,
            env={**os.environ, "PYTEST_ADDOPTS": "-W default::DeprecationWarning"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout[-10_000:])
        about = elsewhere(python)
        found = subprocess.check_output(
            ["uv", "pip", "list", "--quiet", "--format", "json", "--python", python]
        )
    versions = {each["name"]: each["version"] for each in json.loads(found)}
    core = {re.match(r"[\w-]+", each)[0] for each in requires("cifarkit") or ()}
    ends = re.findall(
        r"^[= ]*(\d+ (?:passed|failed).* in [\d.]+s.*?)[= ]*$", done.stdout, re.M
    )
    tell(
        {
            **about,
            "outcome": "; then ".join(ends),
            "lowest": {name: versions[name] for name in sorted(core & set(versions))},
        },
        given.json,
    )
    sys.exit(done.returncode)


def environment(folder):
    """Return the Python of an environment with the lowest versions."""
    python = folder / "venv" / "bin" / "python"
    subprocess.run(["uv", "venv", "--quiet", "--seed", folder / "venv"], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", python]
    lowest = ["--resolution", "lowest-direct"]
    subprocess.run([*install, *lowest, f"{ROOT}[{EXTRAS}]"], check=True)
    return python


if __name__ == "__main__":
    main()
