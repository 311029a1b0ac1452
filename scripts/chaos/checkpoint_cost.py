"""What it costs to keep a training, beside an epoch of it.

python scripts/chaos/checkpoint_cost.py --json docs/results/checkpoint_cost.json

MobileNetV2 at 160 pixels learns live from 45,000 real images with its last 50 layers,
as in S0. The time of an epoch follows from 20 real steps; the time of a save is the
median of ten. What may be kept how often is the library's own rule.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

from telling import options, tell

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads
from cifarkit._checkpoints import Checkpoints
from cifarkit.training import _keeping, _running, _snapshot
from cifarkit.training._ahead import Ahead
from cifarkit.training._inputs import data_of
from cifarkit.training._timing import seconds_per_epoch

PHASE = Phase(
    learning_rate=1e-5, unfreeze=50, snap=False, batch_norm="tuned", batch_size=32
)


def main():
    """Measure an epoch and saves, and compare."""
    given = options(__doc__)
    data = data_of(datasets.cifar10(size=160))
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2", size=160),
        heads.classifier(),
        phase_1=PHASE,
        phase_2=None,
        cache="never",
        verbose=0,
    )
    network = trainer.course.network(data)
    stage = Ahead(network, trainer.course, data).live
    epoch = seconds_per_epoch(network, stage, PHASE)
    model = _running.compiled(network, stage, PHASE)
    model.optimizer.build(model.trainable_variables)
    spans, nbytes = saves(model)
    save = median(spans)
    between = max(_keeping.SECONDS, save / _keeping.SHARE)
    figures = {
        "epoch_s": epoch,
        "save_s": save,
        "saves_s": spans,
        "bytes": nbytes,
        "seconds_between_saves": between,
        "share_of_an_epoch": save / between,
        "share_if_kept_once_an_epoch": save / epoch,
    }
    tell(figures, given.json)
    assert between == _keeping.SECONDS, "saves take so long that they are made rarer"


def saves(model):
    """Return the seconds of ten saves, gathering included, and the bytes of one."""
    spans = []
    with tempfile.TemporaryDirectory() as work:
        states = Checkpoints(Path(work))
        for _ in range(10):
            began = time.perf_counter()
            arrays = _snapshot.taken(model)
            assert _snapshot.is_finite(model)
            states.save(arrays, {"watchers": []})
            spans.append(time.perf_counter() - began)
    return spans, sum(each.nbytes for each in arrays.values())


if __name__ == "__main__":
    main()
