"""What must hold whatever Keras runs on: one seed gives one result, stopped or not.

KERAS_BACKEND=torch python scripts/any_backend.py --json docs/results/on_torch.json

A small network with batch norm and dropout is trained in two phases: twice; stopped by
Ctrl-C in either phase and gone on with; from kept activations and live. Weights and
losses are compared bit by bit, but for the last two, whose losses differ by rounding.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import options, tell  # noqa: E402

from cifarkit import (  # noqa: E402
    Phase,
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    heads,
)

POLICIES = {
    "flip": [augment.flip()],
    "crop, rotation, MixUp": [augment.crop(4), augment.rotation(0.1), augment.mixup()],
    "colour, CutMix": [augment.color_jitter(hue=0.1), augment.cutmix()],
}
STOPS = 3, 7
"""Steps behind which a training is stopped: in its first phase, in its second."""
CLOSE = 1e-3


class Stop(keras.callbacks.Callback):
    """Presses Ctrl-C behind a step."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        """Count down."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def main():
    """Compare, and fail where something differs."""
    given = options(__doc__)
    data = datasets.synthetic(100, size=32, classes=4)
    found = {name: compared(policy, data) for name, policy in POLICIES.items()}
    plain = {"dropout": 0.0}  # which is off in a part that is computed ahead
    kept, live = (
        trained(POLICIES["flip"], cache=cache, **plain).fit(data)
        for cache in ("auto", "never")
    )
    losses = [np.array(each.history["loss"]) for each in (kept, live)]
    apart = float(np.max(np.abs(losses[0] / losses[1] - 1)))
    engines = [each.phases[0].engine for each in (kept, live)]
    tell({"same": found, "kept_apart_from_live": apart, "engines": engines}, given.json)
    right = all(all(each.values()) for each in found.values())
    sys.exit(not right or apart > CLOSE or engines[1] != "live")


def compared(policy, data):
    """Return for each way to come to a result whether it is the same, to the bit."""
    whole = trained(policy).fit(data)
    found = {"again": same(whole, trained(policy).fit(data))}
    for step in STOPS:
        with tempfile.TemporaryDirectory() as folder:
            stopped = False
            try:
                trained(policy).fit(data, run_dir=folder, callbacks=[Stop(step)])
            except KeyboardInterrupt:
                stopped = True
            found[f"stopped behind step {step}"] = stopped and same(
                whole, trained(policy).fit(data, run_dir=folder)
            )
    return found


def same(one, other):
    """Whether two results have the same weights and losses."""
    pairs = zip(one.model.get_weights(), other.model.get_weights(), strict=True)
    alike = all(np.array_equal(*pair) for pair in pairs)
    return alike and one.history["loss"] == other.history["loss"]


def trained(policy, *, cache="auto", dropout=0.2):
    """Return a trainer of two phases."""
    steps = {"learning_rate": 1e-3, "batch_size": 32}
    tuned = {"batch_norm": "tuned", "weight_averaging": 0.9, "label_smoothing": 0.1}
    return TwoPhaseTrainer(
        backbones.wrap(network(dropout), preprocess="unit"),
        heads.classifier(),
        phase_1=Phase(epochs=2, **steps),
        phase_2=Phase(epochs=3, unfreeze="conv_2", **steps, **tuned),
        augment=policy,
        cache=cache,
        verbose=0,
    )


def network(dropout):
    """Return two blocks with the same weights each time."""
    parts = [keras.Input((32, 32, 3))]
    for block in (1, 2):
        parts += [
            layers.Conv2D(8, 3, strides=2, name=f"conv_{block}"),
            layers.BatchNormalization(name=f"norm_{block}"),
            layers.ReLU(name=f"relu_{block}"),
        ]
    model = keras.Sequential(
        [*parts, layers.Dropout(dropout, name="dropout")], name="net"
    )
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0, 0.3, w.shape) for w in model.get_weights()])
    return model


if __name__ == "__main__":
    main()
