"""What a test accuracy is worth: without near twins, and with a fitted temperature.

python examples/quickstart.py --epochs 2 --out runs/two_epochs
python scripts/honest.py runs/two_epochs --json docs/results/honest.json

`doctoring.twins` finds the test images of CIFAR-10 that are nearly a training image.
The temperature is fitted on the validation images alone.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from cifarkit import TrainResult, datasets, evaluate, metrics
from cifarkit.calibration import scaled, temperature
from cifarkit.doctoring import twins
from cifarkit.evaluation import probabilities

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

LEVELS = 0.99, 0.97, 0.95
"""The least cosine of the features of two images that count as twins."""


def main():
    """Look at a result from both sides, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path, help="folder of a run on all images")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    result = TrainResult.load(options.result)
    made = result.provenance
    data = datasets.cifar10(made["size"], seed=made["seed"])
    if made["n_train"] != len(data.train):
        wanted, received = len(data.train), made["n_train"]
        sys.exit(f"Expected a run on {wanted} images; received one on {received}.")
    told = {
        "command": command(),
        "seed": made["seed"],
        **surroundings(),
        **without_twins(result.model, data),
        **calibrated(result.model, data),
    }
    write_json(options.json, told)


def without_twins(model, data):
    """Return the accuracy on all test images, and on those without a near twin."""
    right = probabilities(model, data.test.images).argmax(axis=1) == data.test.labels
    found = twins(data.train.images, data.test.images, least=min(LEVELS))
    levels = {}
    for least in LEVELS:
        near = [each for each in found if each.similarity >= least]
        mine = data.test.labels[[each.second for each in near]]
        theirs = data.train.labels[[each.first for each in near]]
        rest = np.delete(right, [each.second for each in near])
        levels[str(least)] = {
            "twins": len(near),
            "of_another_class": int((mine != theirs).sum()),
            **share(rest),
        }
    return {**share(right), "without_twins": levels}


def share(right):
    """Return the share of images that are right, and its 95 % interval."""
    interval = metrics.wilson_interval(int(right.sum()), len(right))
    return {"accuracy": float(right.mean()), "interval": list(interval)}


def calibrated(model, data):
    """Return what a temperature does to the probabilities of the test images."""
    known = probabilities(model, data.validation.images)
    found = temperature(data.validation.labels, known)
    both = {"plain": model, "scaled": scaled(model, found)}
    looks = {name: evaluate(each, data.test) for name, each in both.items()}
    return {
        "temperature": found,
        "calibration_error": {name: look.ece for name, look in looks.items()},
        "loss": {name: look.loss for name, look in looks.items()},
    }


if __name__ == "__main__":
    main()
