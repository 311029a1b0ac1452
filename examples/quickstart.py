"""The main job: adapt MobileNetV2 to CIFAR-10 in two phases.

python examples/quickstart.py          45,000 images at 160 pixels
python examples/quickstart.py --fast   5,000 images at 96 pixels, under 4 minutes
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

FAST_1 = replace(PHASE_1, epochs=3)
FAST_2 = replace(PHASE_2, epochs=5)


def main():
    """Train, evaluate, save, and say what came out."""
    options = parsed()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seconds = {}

    with timed(seconds, "total"):
        with timed(seconds, "data"):
            data = datasets.cifar10(size=options.size, seed=options.seed)
            data = smaller(data, options)
        trainer = TwoPhaseTrainer(
            backbones.get("mobilenetv2", weights=options.weights),
            heads.classifier(),
            phase_1=FAST_1 if options.fast else PHASE_1,
            phase_2=FAST_2 if options.fast else PHASE_2,
            max_memory=options.memory and int(options.memory * 2**30),
            seed=options.seed,
        )
        print(trainer.plan(data))
        result = trainer.fit(data, run_dir=options.run_dir)
        with timed(seconds, "evaluate"):
            evaluation = evaluate(result.model, data.test)

    print(evaluation)
    folder = result.save(options.out)
    if options.json:
        record(options, data, result, evaluation, seconds)
    print(usage(folder))


def smaller(data, options):
    """Return as many of the images as the options ask for."""
    few = min(len(data.validation), options.images // 5)
    return datasets.Splits(
        data.train.take(options.images, seed=options.seed),
        data.validation.take(few, seed=options.seed),
        data.test.take(options.test, seed=options.seed),
        data.source,
    )


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="5,000 images, 96 pixels")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--out", type=Path, default=Path("runs/quickstart"))
    parser.add_argument(
        "--run-dir", type=Path, help="a folder to go on from if stopped"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="training images")
    parser.add_argument("--test", type=int, default=10_000, help="test images")
    parser.add_argument("--size", type=int, help="side in pixels")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--memory", type=float, help="GiB for kept activations")
    options = parser.parse_args()
    if options.images is None:
        options.images = 5_000 if options.fast else 45_000
    if options.size is None:
        options.size = 96 if options.fast else 160
    return options


@contextmanager
def timed(seconds, name):
    """Note how long a part takes."""
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def record(options, data, result, evaluation, seconds):
    """Write the figures of this run as JSON."""
    provenance = result.provenance
    features = sum(phase.features for phase in result.phases)
    phases = {f"phase_{n}": p.seconds for n, p in enumerate(result.phases, start=1)}
    figures = {
        "command": " ".join(["python", *sys.argv]),
        **{key: provenance[key] for key in ("machine", "device", "versions", "when")},
        "seed": options.seed,
        "test_accuracy": evaluation.accuracy,
        "test_loss": evaluation.loss,
        "interval": list(evaluation.interval),
        "n_train": len(data.train),
        "n_validation": len(data.validation),
        "n_test": len(data.test),
        "backbone": provenance["backbone"]["backbone"],
        "size": data.train.size,
        "weights_source": provenance["backbone"]["source"],
        "data_source": data.source,
        "engine": result.phases[-1].engine,
        "peak_rss_bytes": peak_rss(),
        "seconds": {**seconds, "features": features, **phases},
        "history": result.history,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=2) + "\n")


def peak_rss():
    """Return the most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def usage(folder):
    """Return how to use the saved model; it needs Keras and nothing of ours."""
    return f"""
The model is in {folder / "model.keras"}. To use it:

    import keras
    model = keras.models.load_model("{folder / "model.keras"}")
    probabilities = model.predict(images)    # RGB, (N, 32, 32, 3), values in [0, 255]
"""


if __name__ == "__main__":
    main()
