"""Keep a result of this version, which every later version must be able to read.

python scripts/golden_result.py

It goes into tests/golden/results/VERSION: what `TrainResult.save` wrote, and the
probabilities of some images.
"""

from pathlib import Path

import keras
import numpy as np

import cifarkit
from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "results"


def main():
    """Train a small network in two phases, and save what it says."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            keras.layers.Conv2D(8, 3, strides=2, use_bias=False, name="block_1_conv"),
            keras.layers.BatchNormalization(name="block_1_norm"),
            keras.layers.ReLU(name="block_1_relu"),
            keras.layers.Conv2D(16, 3, strides=2, name="block_2_conv"),
            keras.layers.ReLU(name="block_2_relu"),
        ],
        name="small",
    )
    data = datasets.synthetic(200, size=24)
    trainer = TwoPhaseTrainer(
        backbones.wrap(network, preprocess="unit"),
        heads.classifier(hidden=(16,)),
        phase_1=Phase(epochs=2, learning_rate=5e-3),
        phase_2=Phase(epochs=2, learning_rate=1e-3, unfreeze=0.5, batch_norm="tuned"),
    )
    result = trainer.fit(data)
    folder = result.save(GOLDEN / cifarkit.__version__)
    images = data.test.images[:16]
    probabilities = result.model.predict(images, verbose=0)
    np.savez(f"{folder}.npz", images=images, probabilities=probabilities)
    print(folder)


if __name__ == "__main__":
    main()
