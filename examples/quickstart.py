"""The main job: adapt MobileNetV2 to CIFAR-10 in two phases.

python examples/quickstart.py          45,000 images at 160 pixels
python examples/quickstart.py --fast   5,000 images at 96 pixels, under 4 minutes
python examples/quickstart.py --smoke  made-up images, in seconds
"""

import argparse
import json
import logging
import resource
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cifarkit import TwoPhaseTrainer, backbones, datasets, evaluate, heads
from cifarkit.training import PHASE_1, PHASE_2

FULL, FAST, SMOKE = (45_000, 160, 2, 3), (5_000, 96, 3, 5), (60, 32, 1, 1)
PARTS = "train", "validation", "test"


def main():
    """Train, evaluate, save, and say what came out."""
    options = parsed()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seconds = {}
    with timed(seconds, "total"):
        with timed(seconds, "data"):
            data = images(options)
        trainer = TwoPhaseTrainer(
            backbones.get("mobilenetv2"),
            heads.classifier(),
            phase_1=replace(PHASE_1, epochs=options.head),
            phase_2=replace(PHASE_2, epochs=options.epochs, unfreeze=options.unfreeze),
            max_memory=options.memory and int(options.memory * 2**30),
            seed=options.seed,
        )
        print(trainer.plan(data))
        result = trainer.fit(data, run_dir=options.run_dir)
        with timed(seconds, "evaluate"):
            evaluation = evaluate(result.model, data.test)
    print(evaluation)
    folder = result.save(options.out)
    print(f"\nKeras alone loads {folder / 'model.keras'}; so does cifarkit predict.")
    if options.json:
        found = figures(options, data, result, evaluation, seconds)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def images(options):
    """Return as many images as the options ask for, every class with its share."""
    if options.smoke:
        return datasets.synthetic(100, size=options.size, seed=options.seed)
    data = datasets.cifar10(size=options.size, seed=options.seed)
    few = min(len(data.validation), options.images // 5)
    counts = zip(PARTS, (options.images, few, options.test), strict=True)
    taken = (getattr(data, part).take(n, seed=options.seed) for part, n in counts)
    return datasets.Splits(*taken, data.source)


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--out", type=Path, default=Path("runs/quickstart"))
    parser.add_argument("--run-dir", type=Path, help="folder to go on from if stopped")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="training images")
    parser.add_argument("--test", type=int, default=10_000, help="test images")
    parser.add_argument("--size", type=int, help="side in pixels")
    parser.add_argument("--epochs", type=int, help="of phase 2")
    parser.add_argument("--unfreeze", default=PHASE_2.unfreeze, help="first to learn")
    parser.add_argument("--memory", type=float, help="GiB of activations in memory")
    options = parser.parse_args()
    kind = SMOKE if options.smoke else FAST if options.fast else FULL
    for name, usual in zip(("images", "size", "head", "epochs"), kind, strict=True):
        setattr(options, name, getattr(options, name, None) or usual)
    return options


@contextmanager
def timed(seconds, name):
    """Note how long a part takes."""
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def figures(options, data, result, evaluation, seconds):
    """Return the figures of this run, ready for JSON."""
    provenance, unit = result.provenance, 1 if sys.platform == "darwin" else 1024
    ahead = sum(phase.features for phase in result.phases)
    phases = {f"phase_{n}": p.seconds for n, p in enumerate(result.phases, start=1)}
    return {
        "command": " ".join(["python", *sys.argv]),
        **{key: provenance[key] for key in ("machine", "device", "versions", "when")},
        "seed": options.seed,
        "test_accuracy": evaluation.accuracy,
        "test_loss": evaluation.loss,
        "interval": list(evaluation.interval),
        **{f"n_{part}": len(getattr(data, part)) for part in PARTS},
        "backbone": provenance["backbone"]["backbone"],
        "size": data.train.size,
        "weights_source": provenance["backbone"]["source"],
        "data_source": data.source,
        "engine": result.phases[-1].engine,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "seconds": {**seconds, "features": ahead, **phases},
        "history": result.history,
    }


if __name__ == "__main__":
    main()
