"""Measure a linear probe of MobileNetV2 at 96 pixels: the check of a port as a whole.

A multinomial logistic regression, without intercept in its penalty, on the pooled
features of 10,000 training images; weight decay 1e-3; accuracy on the 10,000 test
images.

    python scripts/probe_mobilenetv2.py --json docs/results/probe_mobilenetv2_96.json
"""

import argparse
import sys
import time
from pathlib import Path

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from cifarkit import backbones, datasets
from cifarkit.datasets import Split

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

BACKBONE, SIZE, N_TRAIN, SEED, WEIGHT_DECAY = "mobilenetv2", 96, 10_000, 0, 1e-3


def main() -> None:
    """Print the accuracy, and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="the result file")
    arguments = parser.parse_args()
    start = time.perf_counter()
    data = datasets.cifar10(SIZE, validation=0)
    train = data.train.take(N_TRAIN, seed=SEED)
    backbone = backbones.get(BACKBONE)
    model = extractor(backbone)
    probe = LogisticRegression(C=1 / (WEIGHT_DECAY * N_TRAIN), tol=1e-3, max_iter=1000)
    probe.fit(pooled(model, train), train.labels)
    accuracy = probe.score(pooled(model, data.test), data.test.labels)
    result = {
        "command": command(),
        "seed": SEED,
        **surroundings(),
        "test_accuracy": accuracy,
        "n_train": N_TRAIN,
        "n_test": len(data.test),
        "size": SIZE,
        "weight_decay": WEIGHT_DECAY,
        "weights_source": backbone.provenance()["source"],
        "weights_digest": backbone.provenance()["digest"],
        "seconds": round(time.perf_counter() - start, 1),
    }
    write_json(arguments.json, result)
    print(f"test accuracy {accuracy:.2%} in {result['seconds']} s: {arguments.json}")


def extractor(backbone: backbones.Backbone) -> keras.Model:
    """Return a model from native images to pooled features."""
    images = keras.Input((32, 32, 3))
    resized = keras.layers.Resizing(SIZE, SIZE)(images)
    features = backbone.build(SIZE)(resized)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(features))


def pooled(model: keras.Model, split: Split) -> np.ndarray:
    """Return the pooled features of a split, float32."""
    return model.predict(split.images.astype(np.float32), batch_size=128, verbose=0)


if __name__ == "__main__":
    main()
