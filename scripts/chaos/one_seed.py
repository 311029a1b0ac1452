"""Train with one seed in fresh processes, and compare the weights to the bit.

python scripts/chaos/one_seed.py --runs 5 --json docs/results/one_seed.json

MobileNetV2 at 96 pixels on 3,000 real images, two phases, from kept activations and
live with augmentation; the activations are computed anew in each process. One more
process with another seed must end otherwise.
"""

import argparse
import hashlib
import subprocess
import sys

import numpy as np
from telling import parser, tell

KINDS = ("kept", "live")


def main():
    """Run the processes and compare what they print."""
    options = parsed()
    if options.child:
        print(digest(options.child, options.seed))
        return
    hashes = {
        kind: [process(kind, options.seed) for _ in range(options.runs)]
        for kind in KINDS
    }
    others = {kind: process(kind, options.seed + 1) for kind in KINDS}
    figures = {
        "runs": options.runs,
        "hashes": {kind: len(set(each)) for kind, each in hashes.items()},
        "another_seed_differs": all(others[kind] != hashes[kind][0] for kind in KINDS),
    }
    tell(figures, options.json, seed=options.seed)
    assert set(figures["hashes"].values()) == {1}, "one seed gave several results"
    assert figures["another_seed_differs"], "two seeds gave one result"


def process(kind, seed):
    """Return the digest that a fresh process prints."""
    command = [sys.executable, __file__, "--child", kind, "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def digest(kind, seed):
    """Train, and return the SHA-256 over the weights and the history."""
    from cifarkit import Phase, TwoPhaseTrainer, augment, backbones, datasets, heads
    from cifarkit.activations import Cache

    data = datasets.cifar10(size=96)
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2", size=96),
        heads.classifier(),
        phase_1=Phase(epochs=2, learning_rate=2e-3),
        phase_2=Phase(epochs=1, learning_rate=5e-4, unfreeze=20, batch_norm="tuned"),
        augment=augment.flip() if kind == "kept" else [augment.flip(), augment.crop(4)],
        cache=Cache(disk=False) if kind == "kept" else "never",
        seed=seed,
        verbose=0,
    )
    pair = data.train.take(3_000), data.validation.take(500)
    result = trainer.fit(pair[0], validation=pair[1])
    total = hashlib.sha256(repr(result.history).encode())
    for phase in result.phases:
        for weight in phase.weights:
            total.update(np.ascontiguousarray(weight).data)
    return total.hexdigest()


def parsed():
    """Return the options of the command line."""
    made = parser(__doc__, runs=5, seed=0)
    made.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    return made.parse_args()


if __name__ == "__main__":
    main()
