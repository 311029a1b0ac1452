"""What `deterministic=True` costs on this machine.

python scripts/chaos/deterministic.py --json docs/results/deterministic.json

An epoch of MobileNetV2 at 160 pixels, live, the last 50 layers: forecast from 20 real
steps, in turn without and with what `deterministic=True` asks TensorFlow for.
"""

from statistics import median

from checkpoint_cost import PHASE
from telling import options, tell

from cifarkit import TwoPhaseTrainer, backbones, datasets, heads
from cifarkit.training._ahead import Ahead
from cifarkit.training._inputs import data_of
from cifarkit.training._timing import seconds_per_epoch

ROUNDS = 3


def main():
    """Measure, switch, measure; it cannot be switched back in a process."""
    given = options(__doc__)
    data = data_of(datasets.cifar10(size=160))
    seconds = {
        str(deterministic): [epoch(data, deterministic) for _ in range(ROUNDS)]
        for deterministic in (False, True)
    }
    figures = {
        "epoch_s": seconds,
        "ratio": median(seconds["True"]) / median(seconds["False"]),
    }
    tell(figures, given.json)


def epoch(data, deterministic):
    """Return the forecast of an epoch."""
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2", size=160),
        heads.classifier(),
        phase_1=PHASE,
        phase_2=None,
        cache="never",
        deterministic=deterministic,
        verbose=0,
    )
    with trainer.course.begun():
        network = trainer.course.network(data)
        stage = Ahead(network, trainer.course, data).live
        return seconds_per_epoch(network, stage, PHASE)


if __name__ == "__main__":
    main()
