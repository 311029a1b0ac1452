"""One training in two processes, as on two hosts, beside the same in one.

python scripts/distributed/two_hosts.py --json docs/results/two_hosts.json

Keras on JAX: each process calls `keras.distribution.initialize` and trains with
`DataParallel` over the devices of both; they talk over the loopback. Batch norm learns
and images are augmented at random: on JAX a step sees the whole batch, and the noise is
ours. Dropout is left out, whose masks JAX draws otherwise on two devices.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "chaos"))


def main():
    """Train in one process, then in two, and compare."""
    options = parsed()
    if options.child is not None:
        train(options.child, options.port, Path(options.out))
        return
    with tempfile.TemporaryDirectory() as work:
        alone = started(Path(work) / "alone.npz", None)
        ended(alone)
        port = free_port()
        both = [started(Path(work) / f"host_{n}.npz", n, port=port) for n in range(2)]
        for each in both:
            ended(each)
        one, first, second = (
            dict(np.load(Path(work) / f"{name}.npz"))
            for name in ("alone", "host_0", "host_1")
        )
    figures = {
        "processes": 2,
        "losses": {"alone": one["loss"].tolist(), "together": first["loss"].tolist()},
        "largest_loss_difference": difference(
            [one["loss"], one["val_loss"]], [first["loss"], first["val_loss"]]
        ),
        "largest_weight_difference": difference(weights(one), weights(first)),
        "between_the_hosts": difference(weights(first), weights(second)),
        "learnt": float(one["loss"][0] - one["loss"][-1]),
    }
    from telling import tell

    tell(figures, options.json)
    assert figures["between_the_hosts"] == 0.0, "the two hosts differ"
    assert figures["largest_loss_difference"] < 1e-3
    assert figures["largest_weight_difference"] < 1e-2
    assert figures["learnt"] > 0.1, "nothing was learnt, so nothing was compared"


def train(number, port, out):
    """Train as one process of two, or alone; write what came out."""
    import keras

    strategy = None
    if number >= 0:
        keras.distribution.initialize(
            job_addresses=f"127.0.0.1:{port}", num_processes=2, process_id=number
        )
        strategy = keras.distribution.DataParallel(auto_shard_dataset=False)
    from cifarkit import Phase, TwoPhaseTrainer, augment, datasets

    data = datasets.cifar10(size=32)
    phase = Phase(
        epochs=2,
        learning_rate=0.05,
        optimizer="sgd",  # Adam enlarges rounding where gradients are near zero
        batch_size=64,
        clip_norm=1.0,
    )
    trainer = TwoPhaseTrainer(
        network(),
        phase_1=phase,
        augment=[augment.flip(), augment.crop(4)],
        strategy=strategy,
        verbose=0,
    )
    result = trainer.fit(data.train.take(1_000), validation=data.validation.take(200))
    arrays = {f"{n:03}": each for n, each in enumerate(result.phases[0].weights)}
    losses = {name: np.array(result.history[name]) for name in ("loss", "val_loss")}
    np.savez(out, **losses, **arrays)


def network():
    """Return a small network with batch norm, whose weights follow from seeds."""
    import keras
    from keras import layers

    def drawn(seed):
        return keras.initializers.GlorotUniform(seed)

    image = keras.Input((32, 32, 3))
    values = layers.Rescaling(1 / 255)(image)
    for block, filters in enumerate((16, 32)):
        kernel = drawn(block)
        values = layers.Conv2D(filters, 3, 2, kernel_initializer=kernel)(values)
        values = layers.ReLU()(layers.BatchNormalization()(values))
    values = layers.GlobalAveragePooling2D()(values)
    values = layers.Dense(10, "softmax", kernel_initializer=drawn(9))(values)
    return keras.Model(image, values, name="small")


def started(out, number, port=0):
    """Start a process on JAX, alone where it has no number."""
    child = "-1" if number is None else str(number)
    command = [sys.executable, __file__, "--child", child, "--port", str(port)]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [*command, "--out", str(out)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process):
    """Wait for a process; show what it said if it failed."""
    said, _ = process.communicate(timeout=500)
    assert process.returncode == 0, said[-3000:]


def weights(arrays):
    """Return the weights among arrays, in order."""
    return [arrays[name] for name in sorted(arrays) if name.isdigit()]


def difference(ours, theirs):
    """Return the largest difference between lists of arrays."""
    pairs = zip(ours, theirs, strict=True)
    return max(float(np.max(np.abs(a - b))) for a, b in pairs)


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
