"""Plain `fit` and cifarkit's default recipe, one after the other on this device.

python examples/benchmarks/on_gpu.py --json PATH
KERAS_BACKEND=jax python examples/benchmarks/on_gpu.py --json PATH

Meant for a GPU. Each side runs in a process of its own, on the same images and weights;
plain Keras' code is in arrays_side.py. What JAX compiles is told apart from training.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from measuring import command, ratio, write_json
from turns import run

TURNS = {"cifarkit": "default", "arrays": "tuned"}
DEFINITIONS = {
    "seconds": "from images in memory, and nothing kept of them, to the end of the "
    "last epoch with its validation; building, extraction and compiling counted",
    "compiling_s": "of these, what JAX says that it traced and compiled; what both "
    "need the first side compiles; null where a backend does not tell",
    "training_s": "the rest; all of it, where compiling is not told apart",
    "to_target_s": "likewise, until an epoch ended with the target validation "
    "accuracy; null where none did",
    "test_accuracy": "on the test images, looked at once by each side",
}


FIGURES = tuple(DEFINITIONS)


def main():
    """Prepare once, let the sides take their turns, and put the figures together."""
    options = parsed()
    settings = vars(options) | {"head_epochs": 2, "fine_epochs": 3}
    target = settings.pop("json")
    with tempfile.TemporaryDirectory(prefix="on-gpu-") as name:
        folder = Path(name)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "compiled")
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        write_json(folder / "settings.json", settings)
        run(folder, "cifarkit", "prepare")
        for side, part in TURNS.items():
            run(folder, side, part)
            figures = figures_of(parts_in(folder), settings)
            write_json(target, figures)  # each side at once: time on a GPU can end
    print(table(figures))


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=45_000, help="training images")
    parser.add_argument("--test", type=int, default=10_000, help="test images")
    parser.add_argument("--size", type=int, default=160, help="side in pixels")
    parser.add_argument(
        "--kept", action="store_true", help="let cifarkit keep activations here, too"
    )
    parser.add_argument(
        "--target", type=float, default=0.95, help="validation accuracy to reach"
    )
    return parser.parse_args()


def parts_in(folder):
    """Return what each part wrote, by `"side.part"`."""
    wrote = folder.glob("*.*.json")
    return {path.stem: json.loads(path.read_text()) for path in wrote}


def figures_of(parts, settings):
    """Return all figures; those of a side that has not been yet are null."""
    unsaid = {"surroundings", "peak_rss_bytes", "others"}  # of the preparation alone
    prepared = parts["cifarkit.prepare"]
    ours, plain = (parts.get(f"{side}.{part}") for side, part in TURNS.items())
    sides = {"plain": plain, "cifarkit": ours}
    found = {name: side(part, settings["target"]) for name, part in sides.items()}
    return {
        "command": command(),
        **prepared["surroundings"],
        "device": ours["device"],
        **settings,
        **{name: each for name, each in prepared.items() if name not in unsaid},
        **found,
        "ratios": {
            name: ratio(found["plain"][name], found["cifarkit"][name])
            for name in ("seconds", "training_s", "to_target_s")
        },
        "evidence": {"definitions": DEFINITIONS, **sides},
    }


def side(part, target):
    """Return the figures of a side."""
    if part is None:
        return dict.fromkeys(FIGURES)
    last = part["epochs"][-1]
    reached = [each for each in part["epochs"] if each["val_accuracy"] >= target]
    return {
        "seconds": part["seconds"],
        "compiling_s": last["compiling_s"],
        "training_s": part["seconds"] - (last["compiling_s"] or 0.0),
        "to_target_s": min(map(trained, reached), default=None),
        "test_accuracy": part["test_accuracy"],
    }


def trained(epoch):
    """Return the seconds until an epoch's end without those of compiling."""
    return epoch["at_s"] - (epoch["compiling_s"] or 0.0)


def table(figures):
    """Return the figures of both sides for people."""
    sides = figures["plain"], figures["cifarkit"]
    rows = ["{:<16}{:>14}{:>14}".format("", "plain Keras", "cifarkit")]
    for name in sides[0]:
        values = (each[name] for each in sides)
        shown = ("-" if each is None else f"{each:,.4g}" for each in values)
        rows.append("{:<16}{:>14}{:>14}".format(name, *shown))
    return "\n".join([figures["device"], *rows])


if __name__ == "__main__":
    main()
