"""What Keras 3 does under tf.distribute.MultiWorkerMirroredStrategy: the evidence.

python scripts/distributed/multi_worker.py --json docs/results/multi_worker.json

Two processes on the loopback try `fit` with a plain Keras model, without cifarkit. As
long as that fails (keras issue 20585), several hosts are a matter of Keras on JAX.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "chaos"))

CODE = """
import numpy as np, tensorflow as tf, keras
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
pair = np.ones((16, 4), "f"), np.ones((16, 2), "f")
data = tf.data.Dataset.from_tensor_slices(pair)
options = tf.data.Options()
policy = tf.data.experimental.AutoShardPolicy.DATA
options.experimental_distribute.auto_shard_policy = policy
model.fit(data.batch(8).with_options(options), epochs=1, verbose=0)
print("FITTED")
"""


def main():
    """Start two workers, and keep what they say in the end."""
    from telling import options, tell

    given = options(__doc__)
    ports = [free_port() for _ in range(2)]
    workers = [started(ports, index) for index in range(2)]
    said = [ended(each) for each in workers]
    fitted = [text.strip().endswith("FITTED") for text in said]
    figures = {
        "workers": 2,
        "fitted": all(fitted),
        "last_lines": [last(t) for t in said],
    }
    tell(figures, given.json)


def started(ports, index):
    """Start a worker."""
    workers = [f"127.0.0.1:{port}" for port in ports]
    task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        [sys.executable, "-c", CODE],
        env={**os.environ, "TF_CONFIG": json.dumps(task), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process):
    """Wait for a worker, for two minutes at most; return what it said."""
    try:
        said, _ = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        said += "\nkilled after two minutes"
    return said


def last(text):
    """Return the last line with words in it."""
    return [line for line in text.splitlines() if line.strip()][-1].strip()[:500]


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


if __name__ == "__main__":
    main()
