"""What `deterministic=True` costs on this machine.

python scripts/chaos/deterministic.py --json docs/results/deterministic.json

An epoch of MobileNetV2 at 160 pixels, live, the last 50 layers: forecast from 20 real
steps, in turn without and with what `deterministic=True` asks TensorFlow for.
"""

import argparse
from pathlib import Path
from statistics import median

from checkpoint_cost import PHASE
from telling import tell

from cifarkit import TwoPhaseTrainer, backbones, datasets, heads
from cifarkit.training._ahead import Ahead
from cifarkit.training._inputs import data_of
from cifarkit.training._timing import seconds_per_epoch

ROUNDS = 3


def main():
    """Measure, switch, measure; it cannot be switched back in a process."""
    options = parsed()
    data = data_of(datasets.cifar10(size=160))
    seconds = {
        str(deterministic): [epoch(data, deterministic) for _ in range(ROUNDS)]
        for deterministic in (False, True)
    }
    figures = {
        "epoch_s": seconds,
        "ratio": median(seconds["True"]) / median(seconds["False"]),
    }
    tell(figures, options.json)


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


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
