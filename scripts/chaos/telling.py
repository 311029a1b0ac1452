"""What every script of this folder takes and tells: options, and how it was run."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "examples" / "benchmarks"), str(ROOT)]

from measuring import command, peak_rss, write_json  # noqa: E402

__all__ = ["ROOT", "elsewhere", "options", "parser", "peak_rss", "tell"]


def options(about, **numbers):
    """Return the options of a command line that takes numbers, and `--json`."""
    return parser(about, **numbers).parse_args()


def parser(about, **numbers):
    """Return a parser of numbers with these defaults, and of `--json`."""
    made = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in numbers.items():
        made.add_argument(f"--{name}", type=int, default=default)
    made.add_argument("--json", type=Path, help="where the figures go")
    return made


def tell(figures, path=None, *, seed=0):
    """Print figures as JSON, and write them where asked, with how they came about.

    What ran `elsewhere` is told among the figures, in place of this environment.
    """
    from surroundings import surroundings  # Keras is not loaded before it is needed

    told = {"command": command(), "seed": seed, **surroundings(), **figures}
    print(json.dumps(told, indent=2))
    if path:
        write_json(path, told)


def elsewhere(python):
    """Return the surroundings of another environment's Python."""
    code = "import json, surroundings; print(json.dumps(surroundings.surroundings()))"
    done = subprocess.run(
        [python, "-c", code],
        cwd=ROOT / "examples" / "benchmarks",
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
