"""Kill trainings at random moments, and compare what they end with.

python scripts/chaos/kill_training.py --kills 50 --json docs/results/kill_training.json

A small network with batch norm and dropout learns in two phases: once live, with
augmentation and averaged weights, once from kept activations. Its state is kept after
every step. It is killed at a random step, often within a save, started again, killed
again, until it ends. Weights of both phases, history, and the optimizer's variables
must then be those of a training that was left alone, to the bit.
"""

import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf  # noqa: F401 - loaded once, before processes part
from processes import ended, forked
from telling import options, tell

from cifarkit import Phase, TwoPhaseTrainer, augment, backbones, datasets, heads
from cifarkit._checkpoints import Checkpoints
from cifarkit.activations import Cache
from cifarkit.training import _keeping

KINDS = ("live", "kept")


def main():
    """Kill trainings until there were enough kills; compare each one's end."""
    given = options(__doc__, kills=50, seed=0)
    draw, runs = random.Random(given.seed), []
    with tempfile.TemporaryDirectory() as work:
        os.environ["CIFARKIT_HOME"] = str(Path(work) / "store")
        wanted = {kind: alone(Path(work) / kind, kind) for kind in KINDS}
        while sum(len(run["kills"]) for run in runs) < given.kills:
            kind = KINDS[len(runs) % len(KINDS)]
            folder = Path(work) / f"run_{len(runs)}"
            kills, digest = until_it_ends(folder, kind, draw)
            equal = digest == wanted[kind]
            runs.append({"of": kind, "equal": equal, "kills": kills})
            print(f"{kind}: {len(kills)} kills, equal: {equal}", file=sys.stderr)
    kills = [kill for run in runs for kill in run["kills"]]
    inside = sum(kill["inside"] for kill in kills)
    figures = {
        "kills": len(kills),
        "inside_a_save": inside,
        "places": sorted({kill["at"] for kill in kills}),
        "runs": len(runs),
        "equal_runs": sum(run["equal"] for run in runs),
        "kills_in_equal_runs": sum(len(run["kills"]) for run in runs if run["equal"]),
    }
    tell(figures, given.json, seed=given.seed)
    assert figures["equal_runs"] == len(runs), "a training ended otherwise"
    assert inside >= 0.3 * len(kills), "fewer than 30 % of the kills hit a save"


def alone(folder, kind):
    """Return the digest of a training that is left alone; it must be repeatable."""
    first, second = (
        digest_told(ended(forked(train, folder / str(number), kind)))
        for number in range(2)
    )
    assert first, "a training broke off by itself"
    assert first == second, "two trainings with one seed differ"
    return first


def until_it_ends(folder, kind, draw):
    """Kill a training again and again; return the kills and the digest of its end."""
    kills = []
    while True:
        child, telling = forked(train, folder, kind)
        told = watched(child, telling, steps=draw.randrange(1, 25), draw=draw)
        if told["digest"]:
            return kills, told["digest"]
        kills.append({"at": told["at"], "inside": told["inside"]})


def watched(child, telling, *, steps, draw):
    """Read what a training tells; kill it after some steps, or let it end."""
    lines, seen, killed = [], 0, False
    with telling:
        for line in telling:
            lines.append(line)
            seen += line.startswith("step")
            if seen == steps and (line == "save\n" or draw.random() < 0.4):
                time.sleep(draw.random() * 0.004)  # of ours: when the kill falls
                os.kill(child, signal.SIGKILL)
                killed = True
                break
        lines += telling  # what it told until the kill came
    os.waitpid(child, 0)
    digest = digest_told(lines)
    assert killed or digest, "a training broke off by itself"
    places = [line.split()[1] for line in lines if line.startswith("step")]
    inside = lines[-1:] == ["save\n"]
    return {"at": "".join(places[-1:]), "inside": inside, "digest": digest}


def digest_told(lines):
    """Return the digest that a training told in the end, or nothing."""
    return next((line.split()[1] for line in lines if line.startswith("end")), "")


def train(telling, folder, kind):
    """Train, or go on; tell each step and each save, and what came out."""
    import keras

    warnings.simplefilter("ignore")
    _keeping.SECONDS, _keeping.SHARE = 0.0, float("inf")  # after every step
    save = Checkpoints.save

    def told(self, arrays, record):
        telling.write("save\n")
        number = save(self, arrays, record)
        telling.write("saved\n")
        return number

    class Steps(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_begin(self, batch, logs=None):
            if not self.model.skipped:
                number = 2 if (folder / "phase_1").exists() and done(folder) else 1
                telling.write(f"step {number}.{self.epoch}.{batch}\n")

    Checkpoints.save = told
    data = datasets.synthetic(200, size=32)
    result = trainer(kind).fit(data, run_dir=folder, callbacks=[Steps()])
    telling.write(f"end {digest_of(result, folder)}\n")


def done(folder):
    """Whether phase 1 of a run is finished."""
    kept = Checkpoints(folder / "phase_1").newest()
    return bool(kept and kept.record["done"])


def trainer(kind):
    """Return what trains: live with all that is random, or from kept activations."""
    first = Phase(
        epochs=3,
        learning_rate=1e-2,
        optimizer="adam",
        schedule="plateau",
        patience=2,
        batch_size=16,
    )
    second = Phase(
        epochs=3,
        learning_rate=3e-3,
        unfreeze="block_2_conv",
        batch_norm="tuned",
        batch_size=16,
        label_smoothing=0.1,
        weight_averaging=0.9,
        clip_norm=1.0,
    )
    live = kind == "live"
    return TwoPhaseTrainer(
        backbones.wrap(network(), preprocess="unit"),
        heads.classifier(hidden=(16,), dropout=0.3),
        phase_1=first,
        phase_2=second,
        augment=[augment.flip(), augment.crop(4)] if live else augment.flip(),
        cache="never" if live else Cache(disk=False),
        verbose=0,
    )


def network():
    """Return a small network of two blocks; its weights follow from a seed."""
    import keras
    from keras import layers

    draw = np.random.default_rng(0)
    image = values = keras.Input((32, 32, 3))
    for block in range(1, 3):
        values = layers.Conv2D(8, 3, 2, "same", name=f"block_{block}_conv")(values)
        values = layers.BatchNormalization(name=f"block_{block}_norm")(values)
        values = layers.ReLU(name=f"block_{block}_relu")(values)
    model = keras.Model(image, values, name="small")
    for weight in model.trainable_weights:
        if weight.path.endswith("kernel"):
            weight.assign(draw.normal(0, 0.1, weight.shape))
    return model


def digest_of(result, folder):
    """Return the SHA-256 over weights, history, and the last kept optimizer."""
    total = hashlib.sha256()
    for phase in result.phases:
        for weight in phase.weights:
            total.update(np.ascontiguousarray(weight).data)
    history = [{**phase.history} for phase in result.phases]
    total.update(json.dumps([history, result.kept], sort_keys=True).encode())
    for number in (1, 2):
        states = Checkpoints(folder / f"phase_{number}")
        last = states._read(states._numbers("manifest")[-2])
        assert not last.record["done"]
        for name in sorted(last.arrays):
            total.update(np.ascontiguousarray(last.arrays[name]).data)
        total.update(json.dumps(last.record["watchers"], sort_keys=True).encode())
    return total.hexdigest()


if __name__ == "__main__":
    main()
