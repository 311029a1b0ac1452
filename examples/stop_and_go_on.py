"""Can I stop a training and go on? One is stopped here, and ends the same to the bit.

python examples/stop_and_go_on.py          5,000 images at 96 pixels
python examples/stop_and_go_on.py --smoke  made-up images, in seconds
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads


def main():
    """Train with a stop and without one, and compare weights and history."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:  # the process that will be stopped
        train(options.smoke, options.folder, Stop())
        return

    with tempfile.TemporaryDirectory() as folder:
        stop(options.smoke, folder)
        went_on = train(options.smoke, folder)
    whole = train(options.smoke, None)
    pairs = zip(went_on.model.get_weights(), whole.model.get_weights(), strict=True)
    same = all(np.array_equal(one, other) for one, other in pairs)
    print(f"the same weights to the bit: {same}")
    print(f"the same history: {went_on.history == whole.history}")
    sys.exit(not same)


def train(smoke, run_dir, *callbacks):
    """Train both phases. A folder keeps the state; the same call goes on from it."""
    if smoke:
        data = datasets.synthetic(200)
    else:
        whole = datasets.cifar10(size=96)
        few = whole.train.take(5_000), whole.validation.take(1_000)
        data = datasets.Splits(*few, whole.test)
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2"),
        heads.classifier(),
        phase_1=Phase(epochs=1, learning_rate=2e-3),
        phase_2=Phase(epochs=3, learning_rate=5e-4, unfreeze=50, batch_norm="tuned"),
    )
    return trainer.fit(data, run_dir=run_dir, callbacks=callbacks)


class Stop(keras.callbacks.Callback):
    """Sends SIGTERM to its own process, in the second epoch of the second phase.

    As a scheduler does. The step that runs is ended and kept. After a SIGKILL or a
    power cut it would go on from the state of up to half a minute before.
    """

    phase = 0

    def on_phase_begin(self, number, history):
        """Note which phase it is."""
        self.phase = number

    def on_epoch_begin(self, epoch, logs=None):
        """Stop at the second epoch."""
        if (self.phase, epoch) == (2, 1):
            os.kill(os.getpid(), signal.SIGTERM)


def stop(smoke, folder):
    """Let another process begin the training, and stop."""
    words = [sys.executable, __file__, "--in", folder, *["--smoke"] * smoke]
    status = subprocess.run(words, check=False).returncode
    print(f"stopped, with status {status}")
    if status != -signal.SIGTERM:
        sys.exit("It was not stopped.")


if __name__ == "__main__":
    main()
