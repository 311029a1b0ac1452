"""Try settings of the default recipe on the validation images; never on the test set.

    python scripts/sweep.py --json docs/results/sweep.json [--size 96]
        [--images 10000] [NAME ...]

Each candidate differs from the default recipe as its line says. Activations are kept
from the first on, so that each further one costs its phases alone. What the result file
holds already is not run again: without names, all candidates are.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from cifarkit import TwoPhaseTrainer, augment, backbones, datasets, heads
from cifarkit.activations import Cache
from cifarkit.training import PHASE_1, PHASE_2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

BLOCK_11 = {"unfreeze": 50, "epochs": 4}
BLOCK_7 = {"unfreeze": "block_7", "epochs": 4}
CANDIDATES = {
    "default": {},
    "2e-4": {"phase_2": {"learning_rate": 2e-4}},
    "1e-3": {"phase_2": {"learning_rate": 1e-3}},
    "bilinear": {"backbone": {"interpolation": "bilinear"}},
    "own momentum of batch norm": {"phase_2": {"bn_momentum": None}},
    "linear head": {"head": {"hidden": ()}},
    "rates by block": {"phase_2": {"rate_decay": 0.8}},
    "averaged": {"phase_2": {"weight_averaging": 0.998}},
    "decay 0.2": {"phase_2": {"weight_decay": 0.2}},
    "clipped": {"phase_2": {"clip_norm": 1.0}},
    "smoothing 0.05": {"phase_2": {"label_smoothing": 0.05}},
    "4 views of flip and crop": {"crop": 2, "views": 4},
    "from block_11, 4 epochs": {"phase_2": BLOCK_11},
    "from block_11, 4 epochs, 4 views": {"phase_2": BLOCK_11, "crop": 2, "views": 4},
    "from block_7, 4 epochs": {"phase_2": BLOCK_7},
    "from block_4": {"phase_2": {"unfreeze": "block_4"}},
}
"""What each candidate changes: in phase 2, the head, the backbone, the views."""


def main():
    """Run what is asked and not there yet, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="the result file")
    parser.add_argument("--size", type=int, default=160, help="side in pixels")
    parser.add_argument("--images", type=int, default=45_000, help="training images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[])
    options = parser.parse_args()
    found = json.loads(options.json.read_text()) if options.json.exists() else {}
    runs = found.get("runs", {})
    data = datasets.cifar10(options.size)
    train = data.train.take(options.images, seed=options.seed)
    data = datasets.Splits(train, data.validation, data.test, data.source)
    for name in options.names or CANDIDATES:
        key = f"{name}, {len(train):,} images of {options.size}, seed {options.seed}"
        if key not in runs:
            runs[key] = run(CANDIDATES[name], data, options.seed)
            about = {"command": command(), "seed": options.seed, **surroundings()}
            write_json(options.json, {**about, "runs": runs})
            print(key, runs[key]["validation"], flush=True)


def run(changes, data, seed):
    """Return the figures of one candidate, and how they came about."""
    views = {}
    if "views" in changes:
        policy = [augment.flip(), augment.crop(changes["crop"])]
        views = {"augment": policy, "cache": Cache(views=changes["views"])}
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2", **changes.get("backbone", {})),
        heads.classifier(**changes.get("head", {})),
        phase_1=PHASE_1,
        phase_2=replace(PHASE_2, **changes.get("phase_2", {})),
        seed=seed,
        verbose=0,
        **views,
    )
    result = trainer.fit(data)
    first, second = result.phases
    return {
        "changes": str(changes),
        "phase_2": result.provenance["phases"][1],
        "validation": list(second.history["val_accuracy"]),
        "validation_loss": list(second.history["val_loss"]),
        "train": list(second.history["accuracy"]),
        "phase_1": first.validation_accuracy,
        "seconds": second.seconds,
    }


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
