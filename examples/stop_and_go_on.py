"""Can I stop a training and go on? One is stopped here, and ends the same to the bit.

python examples/stop_and_go_on.py          5,000 images at 96 pixels
python examples/stop_and_go_on.py --smoke  made-up images, in seconds
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads


def main():
    """Train with a stop and without one, and compare weights and history."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:  # the process that will be stopped
        train(options.smoke, options.folder)
        return

    with tempfile.TemporaryDirectory() as folder:
        stop(options.smoke, Path(folder))
        went_on = train(options.smoke, folder)
    whole = train(options.smoke, None)
    pairs = zip(went_on.model.get_weights(), whole.model.get_weights(), strict=True)
    same = all(np.array_equal(one, other) for one, other in pairs)
    print(f"the same weights to the bit: {same}")
    print(f"the same history: {went_on.history == whole.history}")
    sys.exit(not same)


def train(smoke, run_dir):
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
    return trainer.fit(data, run_dir=run_dir)


def stop(smoke, folder):
    """Start the training in another process, and stop it within its second phase.

    A SIGTERM lets it keep the step that it was at. After a SIGKILL or a power cut it
    would go on from the state of up to half a minute before.
    """
    words = [sys.executable, __file__, "--in", folder, *["--smoke"] * smoke]
    with subprocess.Popen(words) as process:
        while process.poll() is None and not list(folder.glob("phase_1/*.manifest")):
            time.sleep(0.1)  # until the first phase is kept
        time.sleep(1 if smoke else 20)
        process.terminate()
    print(f"stopped, with status {process.returncode}")
    if process.returncode == 0:
        sys.exit("It had ended before it could be stopped.")


if __name__ == "__main__":
    main()
