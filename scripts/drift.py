"""Measure how far training from kept activations is from live training.

    python scripts/drift.py --json docs/results/drift.json

The real MobileNetV2 on real images, the same batches, no augmentation: 200 steps of
phase 2, with batch norm frozen and tuned, live and from activations kept in each type.
For each step the difference of the losses relative to the live one; at the end that of
the weights and of the validation accuracy. One engine is TensorFlow itself, where
float32 is exact; the other is OpenVINO, where it is installed.

Training amplifies any difference, so there is a control: live too, but that one weight
of the head begins with another last bit.
"""

import argparse
import sys
from pathlib import Path

import keras
import numpy as np

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads, models
from cifarkit.activations import Cache

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

SHOWN = 1, 5, 20, 100, 200
NUDGED = "live, the last bit of one weight changed"
WAYS = {
    "live": ("never", "tensorflow"),
    NUDGED: ("never", "tensorflow"),
    "float32": (Cache(dtype="float32", disk=False), "tensorflow"),
    "float16": (Cache(dtype="float16", disk=False), "tensorflow"),
    "bfloat16": (Cache(dtype="bfloat16", disk=False), "tensorflow"),
    "int8": (Cache(dtype="int8", disk=False), "tensorflow"),
    "float32, OpenVINO": (Cache(dtype="float32", disk=False), "openvino"),
    "float16, OpenVINO": (Cache(dtype="float16", disk=False), "openvino"),
    "float16, OpenVINO in bfloat16": (
        Cache(precision="bfloat16", disk=False),
        "openvino",
    ),
}


class Losses(keras.callbacks.Callback):
    """Notes the mean loss of the epoch after each step, and undoes the mean.

    Args:
        nudge: whether one weight of the head is changed by its last bit at the start.
    """

    def __init__(self, *, nudge=False):
        super().__init__()
        self.nudge = nudge

    def on_train_begin(self, logs=None):
        """Begin with the first step of this phase."""
        self.means = []
        if self.nudge:
            layer = self.model.network.get_layer("head").get_layer("predictions")
            kernel = keras.ops.convert_to_numpy(layer.kernel).copy()
            kernel[0, 0] = np.nextafter(kernel[0, 0], np.float32(9))
            layer.kernel.assign(kernel)
        self.nudge = False

    def on_train_batch_end(self, batch, logs=None):
        """Note one step."""
        self.means.append(logs["loss"])

    @property
    def steps(self):
        """The loss of each step, of batches of one size."""
        sums = np.array(self.means) * np.arange(1, len(self.means) + 1)
        return np.diff(sums, prepend=0.0)


def main():
    """Train in every way, and write what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="the result file")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = datasets.cifar10(options.size)
    train = data.train.take(64 * options.steps, seed=options.seed)
    data = datasets.Splits(train, data.validation.take(1000), data.test, data.source)
    found = {}
    for batch_norm in ("frozen", "tuned"):
        runs = {}
        for way in WAYS:
            runs[way] = trained(data, batch_norm, way, options.seed)
            found[batch_norm] = compared(runs)
            print(batch_norm, way, found[batch_norm].get(way, ""), flush=True)
    figures = {
        "command": command(),
        "seed": options.seed,
        **surroundings(),
        "size": options.size,
        "steps": options.steps,
        "batch_norm": found,
    }
    write_json(options.json, figures)


def trained(data, batch_norm, way, seed):
    """Return losses, weights, accuracy and engine of 200 steps of phase 2."""
    cache, engine = WAYS[way]
    honest = models.on_tensorflow_cpu
    if engine != "openvino":
        models.on_tensorflow_cpu = lambda: False
    noting = Losses(nudge=way == NUDGED)
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2"),
        heads.classifier(dropout=0.0),
        phase_1=Phase(epochs=1, learning_rate=2e-3),
        phase_2=Phase(epochs=1, learning_rate=1e-3, unfreeze=50, batch_norm=batch_norm),
        augment=(),
        cache=cache,
        seed=seed,
        verbose=0,
    )
    try:
        result = trainer.fit(data, callbacks=[noting])
    finally:
        models.on_tensorflow_cpu = honest
    weights = np.concatenate([each.ravel() for each in result.phases[1].weights])
    accuracy = result.phases[1].validation_accuracy
    return noting.steps, weights, accuracy, result.phases[1].engine


def compared(runs):
    """Return how each way differs from live training."""
    losses, weights, accuracy, _ = runs["live"]
    return {
        way: {
            "engine": engine,
            "loss_difference_of_step": {
                str(step): float(abs(steps[step - 1] / losses[step - 1] - 1))
                for step in SHOWN
                if step <= len(steps)
            },
            "max_loss_difference": float(np.max(np.abs(steps / losses - 1))),
            "median_loss_difference": float(np.median(np.abs(steps / losses - 1))),
            "mean_of_the_last_half": float(steps[len(steps) // 2 :].mean()),
            "live_mean_of_the_last_half": float(losses[len(steps) // 2 :].mean()),
            "weights_difference": float(
                np.linalg.norm(state - weights) / np.linalg.norm(weights)
            ),
            "validation_accuracy": score,
            "live_validation_accuracy": accuracy,
        }
        for way, (steps, state, score, engine) in runs.items()
        if way != "live"
    }


if __name__ == "__main__":
    main()
