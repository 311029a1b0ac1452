"""One training on two devices of one host beside the same on one.

python scripts/distributed/two_devices.py --json docs/results/two_devices.json

`tf.distribute.MirroredStrategy` over two logical devices of the CPU, which is how it
works on several GPUs. Batch norm is frozen and there is no dropout, so that the two
must give the same losses and weights but for rounding; plain gradient descent does not
enlarge it, as Adam does where gradients are near zero.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "chaos"))

DEVICES, IMAGES = 2, 402
"""The last batch of an epoch has fewer images than the others."""


def main():
    """Train on one device and on two, live and from kept activations."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * DEVICES
    tf.config.set_logical_device_configuration(cpu, parts)
    from telling import tell

    options = parsed()
    figures = {"devices": DEVICES}
    for kind in options.kinds:
        small = options.small
        alone, together = trained(kind, None, small), trained(kind, mirrored(), small)
        losses = [np.array(each.history["loss"]) for each in (alone, together)]
        figures[kind] = {
            "losses": [each.tolist() for each in losses],
            "largest_loss_difference": float(np.max(np.abs(losses[0] - losses[1]))),
            "largest_weight_difference": largest(alone, together),
        }
    tell(figures, options.json)
    for kind in options.kinds:
        assert figures[kind]["largest_loss_difference"] < 1e-4, kind
        assert figures[kind]["largest_weight_difference"] < 1e-3, kind


def mirrored():
    """Return the strategy over both devices."""
    return tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(DEVICES)])


def trained(kind, strategy, small):
    """Return what a training gives."""
    from cifarkit import Phase, TwoPhaseTrainer, augment, backbones, datasets, heads

    data = datasets.cifar10(size=64)
    train, test = data.train.take(IMAGES), data.validation.take(100)
    steps = {"learning_rate": 1e-2, "optimizer": "sgd", "batch_size": 32}
    trainer = TwoPhaseTrainer(
        backbones.wrap(network(), preprocess="unit")
        if small
        else backbones.get("mobilenetv2", size=64),
        heads.classifier(hidden=(16,), dropout=0.0),
        phase_1=Phase(epochs=2, **steps),
        phase_2=Phase(epochs=1, unfreeze=3 if small else 20, **steps),
        augment=[augment.flip(), augment.crop(4)] if kind == "live" else augment.flip(),
        cache="never" if kind == "live" else "auto",
        strategy=strategy,
        verbose=0,
    )
    result = trainer.fit(train, validation=test)
    score = result.model.predict(test.images, verbose=0)  # it is a plain model
    assert np.isfinite(score).all()
    return result


def network():
    """Return the small network of the tests of kills."""
    from kill_training import network

    return network()


def largest(one, other):
    """Return the largest difference between the weights of two results."""
    return max(
        float(np.max(np.abs(a - b)))
        for first, second in zip(one.phases, other.phases, strict=True)
        for a, b in zip(first.weights, second.weights, strict=True)
    )


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=["live", "kept"])
    parser.add_argument(
        "--small", action="store_true", help="in the place of MobileNetV2"
    )
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
