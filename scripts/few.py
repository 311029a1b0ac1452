"""How to tune on hundreds of images: settings of phase 2 compared on validation images.

    python scripts/few.py --json docs/results/few.json

Each setting has three seeds, each with 300 images of its own of CIFAR-10, at 96 pixels;
a thousand others say how good it is. Test images are not looked at.
"""

import argparse
import statistics
import sys
from pathlib import Path

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

IMAGES, VALIDATION, SIZE, SEEDS = 300, 1_000, 96, (0, 1, 2)
SLOW = {"epochs": 10, "warmup": 0.3, "batch_size": 16}
SETTINGS = {
    "3e-4, 5 epochs, batches of 64": {"epochs": 5, "learning_rate": 3e-4},
    "1e-4, 5 epochs, batches of 64": {"epochs": 5, "learning_rate": 1e-4},
    "3e-5, 10 epochs, batches of 16, warm-up 0.3": {**SLOW, "learning_rate": 3e-5},
    "1e-4, 10 epochs, batches of 16, warm-up 0.3": {**SLOW, "learning_rate": 1e-4},
    "3e-4, 10 epochs, batches of 16, warm-up 0.3": {**SLOW, "learning_rate": 3e-4},
}


def main():
    """Run all settings, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="the result file")
    options = parser.parse_args()
    runs = {}
    for name, settings in SETTINGS.items():
        runs[name] = told([run(settings, seed) for seed in SEEDS])
        print(name, runs[name]["phase_2"], flush=True)
    figures = {
        "command": command(),
        "seed": list(SEEDS),
        **surroundings(),
        "images": IMAGES,
        "validation": VALIDATION,
        "size": SIZE,
        "runs": runs,
    }
    write_json(options.json, figures)


def run(settings, seed):
    """Return the result of one training."""
    data = datasets.cifar10(SIZE, seed=seed)
    parts = data.train.take(IMAGES, seed=seed), data.validation.take(VALIDATION)
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2"),
        heads.classifier(),
        phase_1=Phase(epochs=10),
        phase_2=Phase(unfreeze="block_13", **settings),
        seed=seed,
        verbose=0,
    )
    return trainer.fit(datasets.Splits(*parts, data.test))


def told(results):
    """Return the validation accuracies of three trainings, and their medians."""
    pairs = [result.phases for result in results]
    ends = [
        [float(phase.history["val_accuracy"][-1]) for phase in each] for each in pairs
    ]
    begun = [float(second.history["val_accuracy"][0]) for _, second in pairs]
    first, second = zip(*ends, strict=True)
    return {
        "phase_1": statistics.median(first),
        "first_epoch_of_phase_2": statistics.median(begun),
        "phase_2": statistics.median(second),
        "each": ends,
    }


if __name__ == "__main__":
    main()
