"""Try settings of the default recipe on the validation images; never on the test set.

    python scripts/sweep.py --json docs/results/sweep.json [NAME ...]

Each candidate differs from `PHASE_1` and `PHASE_2` as its line says. Activations are
kept from the first on, so that each further one costs its phases alone. What the result
file holds already is not run again.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from cifarkit import TwoPhaseTrainer, backbones, datasets, heads
from cifarkit.training import PHASE_1, PHASE_2

CANDIDATES = {
    "from block_11, 4 epochs": {"epochs": 4},
    "from block_11, 7 epochs": {"epochs": 7},
    "from block_7, 4 epochs": {"epochs": 4, "unfreeze": "block_7"},
    "from block_7, 4 epochs, averaged": {
        "epochs": 4,
        "unfreeze": "block_7",
        "weight_averaging": 0.998,
    },
    "from block_7, 4 epochs, rates by block": {
        "epochs": 4,
        "unfreeze": "block_7",
        "rate_decay": 0.85,
    },
    "from block_7, 4 epochs, decay 0.1": {
        "epochs": 4,
        "unfreeze": "block_7",
        "weight_decay": 0.1,
    },
    "from block_7, 4 epochs, clipped": {
        "epochs": 4,
        "unfreeze": "block_7",
        "clip_norm": 1.0,
    },
    "from block_7, 4 epochs, rate 2e-3": {
        "epochs": 4,
        "unfreeze": "block_7",
        "learning_rate": 2e-3,
    },
    "from block_7, 6 epochs": {"epochs": 6, "unfreeze": "block_7"},
    "from block_4, 4 epochs": {"epochs": 4, "unfreeze": "block_4"},
}
"""What each candidate changes; `hidden` is of the head, the rest of phase 2."""


def main():
    """Run what is asked and not there yet, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="the result file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[])
    options = parser.parse_args()
    found = json.loads(options.json.read_text()) if options.json.exists() else {}
    runs = found.get("runs", {})
    data = datasets.cifar10(160)
    for name in options.names or CANDIDATES:
        key = f"{name}, seed {options.seed}"
        if key not in runs:
            runs[key], provenance = run(CANDIDATES[name], data, options.seed)
            write(options.json, {**common(provenance), "runs": runs})


def run(changes, data, seed):
    """Return the figures of one candidate, and how they came about."""
    changes = dict(changes)
    head = heads.classifier(hidden=changes.pop("hidden", (128,)))
    backbone = backbones.get("mobilenetv2")
    trainer = TwoPhaseTrainer(
        backbone, head, phase_1=PHASE_1, phase_2=replace(PHASE_2, **changes), seed=seed
    )
    result = trainer.fit(data)
    first, second = result.phases
    figures = {
        "changes": changes,
        "hidden": list(head.hidden),
        "validation": list(second.history["val_accuracy"]),
        "validation_loss": list(second.history["val_loss"]),
        "train": list(second.history["accuracy"]),
        "phase_1": first.validation_accuracy,
        "seconds": second.seconds,
    }
    return figures, result.provenance


def common(provenance):
    """Return the keys that every result file has."""
    kept = ("machine", "device", "versions", "when")
    return {
        "command": " ".join(["python", *sys.argv]),
        "seed": provenance["seed"],
        **{key: provenance[key] for key in kept},
    }


def write(path, figures):
    """Write the result file whole, or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(figures, indent=2) + "\n")
    part.replace(path)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
