"""Plain Keras and cifarkit, doing the same job in turn on this machine.

python examples/benchmarks/two_phase.py --json PATH           CIFAR-10 at 160 pixels
python examples/benchmarks/two_phase.py --json PATH --quick   5,000 images at 64 pixels
python examples/benchmarks/two_phase.py --json PATH --parts FOLDER   goes on from there

Each side runs in processes of its own, on the same images and the same weights; the
code of plain Keras is in plain_side.py, that of cifarkit in cifarkit_side.py.
"""

import argparse
import json
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from figures import figures_of
from measuring import command, write_json
from surroundings import surroundings
from table import table
from turns import run

FULL = {
    "images": 45_000,
    "test": 10_000,
    "size": 160,
    "head_epochs": 10,
    "fine_epochs": 10,
    "timed_epochs": 2,
    "tuned_epochs": 1,
    "default": True,
    "steps": 40,
}
QUICK = {
    "images": 5_000,
    "test": 1_000,
    "size": 64,
    "head_epochs": 2,
    "fine_epochs": 1,
    "timed_epochs": 1,
    "tuned_epochs": 1,
    "default": False,
    "steps": 10,
}
TURNS = (
    ("plain", "published"),
    ("plain", "features"),
    ("cifarkit", "phase_1"),
    ("plain", "last_50"),
    ("cifarkit", "last_50"),
    ("plain", "last_20"),
    ("cifarkit", "last_20"),
    ("plain", "tuned"),
    ("cifarkit", "short"),
    ("cifarkit", "default"),
)
LASTING = ("machine", "device", "versions")
QUICK_TURNS = (  # fewer starts, and no run of the default recipe
    ("plain", "published", "features", "last_50", "last_20", "tuned"),
    ("cifarkit", "phase_1", "last_50", "last_20", "short"),
)


def main():
    """Prepare once, let the sides take their turns, and put the figures together."""
    options, began = parsed(), time.perf_counter()
    settings = settings_of(options)
    with folder_of(options) as name:
        folder = Path(name)
        begin(folder, settings)
        for side, *parts in QUICK_TURNS if options.quick else TURNS:
            run(folder, side, *parts)
        read = {path.stem: json.loads(path.read_text()) for path in parts_in(folder)}
    lasted = None if options.parts else time.perf_counter() - began
    figures = {"command": command(), "seconds": lasted, **figures_of(read, settings)}
    write_json(options.json, figures)
    print(table(figures))


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="5,000 images at 64")
    parser.add_argument(
        "--parts", type=Path, help="keep what is measured, and do not measure it again"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="training images")
    parser.add_argument("--test", type=int, help="test images")
    parser.add_argument("--size", type=int, help="side in pixels")
    parser.add_argument(
        "--target", type=float, default=0.9024, help="validation accuracy to reach"
    )
    return parser.parse_args()


def settings_of(options):
    """Return the settings of both sides."""
    settings = dict(QUICK if options.quick else FULL)
    for name in ("images", "test", "size"):
        if (given := getattr(options, name)) is not None:
            settings[name] = given
    return {**settings, "seed": options.seed, "target": options.target}


def folder_of(options):
    """Return the folder in which the parts are noted, as a context."""
    if options.parts is None:
        return tempfile.TemporaryDirectory(prefix="two-phase-")
    options.parts.mkdir(parents=True, exist_ok=True)
    return nullcontext(options.parts)


def begin(folder, settings):
    """Prepare the folder; one that was begun must be of the same job and machine.

    Raises:
        SystemExit: it is of another.
    """
    path, here = folder / "settings.json", surroundings()
    wanted = {**settings, "here": {key: here[key] for key in LASTING}}
    if not path.exists():
        write_json(path, wanted)
    if (found := json.loads(path.read_text())) != wanted:
        raise SystemExit(
            f"Expected parts of the same job on the same machine, {wanted}; received "
            f"{found} in {folder}. Name another folder, or empty it."
        )
    run(folder, "cifarkit", "prepare")


def parts_in(folder):
    """Return the files that the parts wrote."""
    return [each for each in folder.glob("*.json") if each.stem != "settings"]


if __name__ == "__main__":
    main()
