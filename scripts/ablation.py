"""What unfreezing does: frozen, last 20, last 50, half, everything, on one recipe.

    python scripts/ablation.py --json docs/results/ablation.json [--size 96]

S0 says that transfer learning cuts training time, and that unfreezing only a part
limits overfitting. Each run is the default recipe with another `unfreeze`, to the very
layer (the default moves to the start of a block), and keeps its activations for itself,
so that none is quicker for what another computed; the last one is the same network from
random weights. Each run notes when its epochs ended, activations and validation in it,
so that one can say what takes how long to a stated accuracy. The settings were fixed
before, so the test images are looked at once in each. What the result file holds is not
run again.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from cifarkit import TwoPhaseTrainer, backbones, datasets, evaluate, heads
from cifarkit.activations import Cache
from cifarkit.training import PHASE_1, PHASE_2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from clock import Clock  # noqa: E402
from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

LAYERS = {"frozen": None, "last 20": 20, "last 50": 50, "half": 0.5, "all": "all"}
RANDOM = "all, from random weights"


def main():
    """Run what is not there yet, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="the result file")
    parser.add_argument("--size", type=int, default=96, help="side in pixels")
    parser.add_argument("--images", type=int, default=45_000, help="training images")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settings = {key: getattr(options, key) for key in ("size", "images", "seed")}
    found = json.loads(options.json.read_text()) if options.json.exists() else {}
    if found.get("settings", settings) != settings:
        parser.error(
            f"{options.json} has runs of {found['settings']}: name another file"
        )
    runs = found.get("runs", {})
    data = datasets.cifar10(options.size, seed=options.seed)
    train = data.train.take(options.images, seed=options.seed)
    data = datasets.Splits(train, data.validation, data.test, data.source)
    for name, unfreeze in {**LAYERS, RANDOM: "all"}.items():
        if name not in runs:
            runs[name] = run(unfreeze, data, options.seed, name == RANDOM)
            made = {"command": command(), "seed": options.seed, **surroundings()}
            write_json(options.json, {"settings": settings, **made, "runs": runs})
            print(name, runs[name]["test_accuracy"], flush=True)


def run(unfreeze, data, seed, random):
    """Return the figures of one run."""
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2", weights=None if random else "imagenet"),
        heads.classifier(),
        phase_1=PHASE_1,
        phase_2=replace(PHASE_2, unfreeze=unfreeze, snap=False),
        cache=Cache(disk=False),
        seed=seed,
        verbose=0,
    )
    clock = Clock(time.perf_counter())
    result = trainer.fit(data, callbacks=[clock])
    evaluation = evaluate(result.model, data.test)
    last = result.phases[-1]
    return {
        "unfreeze": unfreeze,
        "test_accuracy": evaluation.accuracy,
        "interval": list(evaluation.interval),
        "test_loss": evaluation.loss,
        "gap": result.gap,
        "kept_phase": result.kept,
        "epochs": len(last.history["loss"]),
        "seconds": sum(phase.seconds + phase.features for phase in result.phases),
        "last_phase_s": last.seconds,
        "epoch_ends_s": [epoch["at_s"] for epoch in clock.epochs],
        "history": result.history,
    }


if __name__ == "__main__":
    main()
