"""One training whose images stay on the device, beside one from the host.

KERAS_BACKEND=jax python scripts/distributed/looped.py --json docs/results/looped.json

A processor stands for the GPU, so that the sums are compared and no times. Looped, all
steps of an epoch but the last, smaller one are one call. Awaited, each step is a call
of its own, as where a run is kept: that training is interrupted and goes on.
"""

import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "chaos"))

import keras
import numpy as np
from telling import options, tell
from two_hosts import difference, network

from cifarkit import Phase, TwoPhaseTrainer, augment, datasets
from cifarkit.training import _resident

WAYS = ("from_the_host", "looped", "awaited")


def main():
    """Train in each way, and compare."""
    chosen = options(__doc__, images=1_000)
    data = datasets.cifar10(size=32)
    images = data.train.take(chosen.images), data.validation.take(200)
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "from_the_host": trained(images),
            "looped": trained(images, device_bytes=2**40),
            "awaited": resumed(images, Path(folder)),
        }
    host = ways.pop("from_the_host")
    figures = {
        "device": "cpu",
        "images": chosen.images,
        "losses": {"from_the_host": host.history["loss"]}
        | {way: result.history["loss"] for way, result in ways.items()},
        "largest_loss_difference": {
            way: difference(losses(host), losses(result))
            for way, result in ways.items()
        },
        "largest_weight_difference": {
            way: difference(host.phases[0].weights, result.phases[0].weights)
            for way, result in ways.items()
        },
        "learnt": float(host.history["loss"][0] - host.history["loss"][-1]),
    }
    tell(figures, chosen.json)
    assert max(figures["largest_loss_difference"].values()) < 1e-5
    assert max(figures["largest_weight_difference"].values()) < 1e-5
    assert figures["learnt"] > 0.1, "nothing was learnt, so nothing was compared"


def losses(result):
    """Return the losses of training and validation, an array each."""
    return [np.array(result.history[name]) for name in ("loss", "val_loss")]


def trained(images, *, device_bytes=0, run_dir=None, callbacks=()):
    """Train on a device of so much memory; return the result."""
    _resident._device_bytes = lambda: device_bytes
    phase = Phase(
        epochs=3, learning_rate=0.02, optimizer="sgd", batch_size=64, clip_norm=1.0
    )
    trainer = TwoPhaseTrainer(
        network(), phase_1=phase, augment=[augment.flip(), augment.crop(4)], verbose=0
    )
    train, validation = images
    return trainer.fit(
        train, validation=validation, run_dir=run_dir, callbacks=callbacks
    )


def resumed(images, folder):
    """Interrupt a training within its second epoch, let it go on; return the result."""
    awaiting = {"device_bytes": 2**40, "run_dir": folder, "callbacks": [Interrupting()]}
    try:
        trained(images, **awaiting)
    except KeyboardInterrupt:
        return trained(images, **awaiting)
    raise SystemExit("Expected a training that is interrupted; it ended.")


class Interrupting(keras.callbacks.Callback):
    """Interrupts its process once, within the second epoch."""

    def __init__(self):
        super().__init__()
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        """Interrupt behind the twentieth step."""
        self.steps += 1
        if self.steps == 20:
            signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
