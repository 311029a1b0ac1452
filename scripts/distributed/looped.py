"""One training whose images stay on the device, beside one from the host.

python scripts/distributed/looped.py --json docs/results/looped.json

A processor stands for the GPU, so that the sums are compared and no times. Looped, a
call makes four steps, the last but one three, and the last, smaller batch is a call of
its own. Kept, each step is a call: that training is interrupted and goes on.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

os.environ |= {"JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "jax"}
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "chaos"))

import keras
import numpy as np
from telling import options, tell
from two_hosts import difference, network

from cifarkit import Phase, TwoPhaseTrainer, augment, datasets
from cifarkit.training import _resident

CALLS = {"from_the_host": 16, "looped": 5, "kept": 16}
"""Calls of an epoch of 1,000 images in batches of 64."""


def main():
    """Train in each way, and compare."""
    chosen = options(__doc__)
    data = datasets.cifar10(size=32)
    images = data.train.take(1_000), data.validation.take(200)
    _resident.TOGETHER = 4
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "from_the_host": trained(images),
            "looped": trained(images, device_bytes=2**40),
            "kept": resumed(images, Path(folder)),
        }
    calls = {way: counted.calls for way, (_, counted) in ways.items()}
    assert calls == CALLS, f"calls of an epoch are {calls}"
    ways = {way: result for way, (result, _) in ways.items()}
    host = ways.pop("from_the_host")
    figures = {
        "calls": calls,
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
    """Train on a device of so much memory; return the result, and a count of calls."""
    counted = Counting()
    _resident._device_bytes = lambda: device_bytes
    phase = Phase(
        epochs=3, learning_rate=0.02, optimizer="sgd", batch_size=64, clip_norm=1.0
    )
    trainer = TwoPhaseTrainer(
        network(), phase_1=phase, augment=[augment.flip(), augment.crop(4)], verbose=0
    )
    train, validation = images
    callbacks = [*callbacks, counted]
    result = trainer.fit(
        train, validation=validation, run_dir=run_dir, callbacks=callbacks
    )
    return result, counted


def resumed(images, folder):
    """Interrupt a training within its second epoch, let it go on; return the same."""
    kept = {"device_bytes": 2**40, "run_dir": folder, "callbacks": [Interrupting()]}
    try:
        trained(images, **kept)
    except KeyboardInterrupt:
        return trained(images, **kept)
    raise SystemExit("Expected a training that is interrupted; it ended.")


class Counting(keras.callbacks.Callback):
    """Counts the calls of an epoch as Keras does, and is not told of them."""

    calls = 0

    def on_train_begin(self, logs=None):
        """Note how many calls there will be."""
        self.calls = self.params["steps"]


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
