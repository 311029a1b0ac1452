"""The same job with cifarkit, each part from an empty activation cache."""

import os
import tempfile
import time
from dataclasses import replace

from clock import Clock, FirstSteps
from surroundings import surroundings
from task import CLASSES, carry_out

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, evaluate, heads
from cifarkit.activations import Cache
from cifarkit.training import PHASE_2

NAME = "mobilenetv2"
HEAD = Phase(
    epochs=1, learning_rate=1e-3, optimizer="adam", schedule="constant", batch_size=32
)
TAIL = replace(HEAD, learning_rate=1e-5, batch_norm="frozen")


def prepare(task):
    """Write the images and the pretrained backbone for both sides."""
    data = datasets.cifar10(size=task.size, seed=task.seed)
    train = data.train.take(task.images, seed=task.seed)
    few = min(len(data.validation), task.images // 5)
    validation = data.validation.take(few, seed=task.seed)
    test = data.test.take(task.test, seed=task.seed)
    splits = {"train": train, "validation": validation, "test": test}
    for part, split in splits.items():
        task.write(part, split.images, split.labels)
    backbone = backbones.get(NAME)
    model = backbone.build(task.size)
    model.save(task.base)
    model.save_weights(task.weights)
    return {
        **{f"n_{part}": len(split) for part, split in splits.items()},
        "train_digest": train.digest,
        "data_source": data.source,
        "weights_source": backbone.provenance()["source"],
        "surroundings": surroundings(),
    }


def phase_1(task):
    """Train the head from kept features, for as long as S0 might."""
    return alone(task, splits(task), replace(HEAD, epochs=10))


def last(task, layers):
    """Train the last layers from a kept prefix, batch norm frozen."""
    phase = replace(TAIL, epochs=1 + task.timed_epochs, unfreeze=layers)
    return alone(task, splits(task).train, phase)


def alone(task, data, phase):
    """Run one phase without augmentation, and some of its steps live.

    The live steps have the same images in the same order, the same first weights and
    the same dropout, so that their loss differs by what the cache rounds alone.
    """
    train = getattr(data, "train", data)
    steps = min(task.steps, -(-len(train) // phase.batch_size))
    options = {"phase_1": phase, "phase_2": None, "augment": ()}
    clock, cached = Clock(time.perf_counter()), FirstSteps(steps)
    result = trainer(task, **options).fit(data, callbacks=[clock, cached])
    seconds = time.perf_counter() - clock.started
    if result.phases[0].engine == "live":
        raise SystemExit(
            "Expected a phase that learns from kept activations; received one trained "
            "live. Free memory or disk, and measure again."
        )
    live = FirstSteps(steps, stop=True)
    trainer(task, cache="never", **options).fit(train, callbacks=[live])
    return {
        "phase_1_s": seconds,
        **engines(result),
        "trainable_parameters": clock.parameters,
        "epochs": clock.epochs,
        "loss_difference": abs(cached.loss - live.loss) / live.loss,
        "first_steps": {"steps": steps, "cached": cached.loss, "live": live.loss},
    }


def short(task):
    """Train as briefly as reaches S0's accuracy: one view, one epoch of phase 2."""
    data = splits(task)
    phase_2 = replace(PHASE_2, epochs=1, unfreeze=50)
    result, figures = whole(task, data, phase_2=phase_2, augment=())
    if task.default:  # then another run looks at the test images
        return figures
    return {**figures, "test_accuracy": evaluate(result.model, data.test).accuracy}


def default(task):
    """Train by the default recipe; then look at the test images once."""
    data = splits(task)
    cache = Cache() if task.settings.get("kept") else "auto"
    result, figures = whole(task, data, cache=cache)
    return {**figures, "test_accuracy": evaluate(result.model, data.test).accuracy}


def whole(task, data, **options):
    """Run both phases of the default recipe, but for what the options change."""
    clock = Clock(time.perf_counter())
    result = trainer(task, **options).fit(data, callbacks=[clock])
    seconds = time.perf_counter() - clock.started
    return result, {"seconds": seconds, **engines(result), "epochs": clock.epochs}


def splits(task):
    """Return the images that the other side has too."""
    names = tuple(str(number) for number in range(CLASSES))
    parts = [
        datasets.Split(*task.read(part), names, task.size)
        for part in ("train", "validation", "test")
    ]
    return datasets.Splits(*parts)


def trainer(task, **options):
    """Return a trainer of the same backbone and S0's head."""
    backbone = backbones.get(NAME, weights=task.weights)
    return TwoPhaseTrainer(
        backbone, heads.classifier(), seed=task.seed, verbose=2, **options
    )


def engines(result):
    """Return what computed each phase's activations, and for how long."""
    return {
        "engines": [str(phase.engine) for phase in result.phases],
        "features_s": [phase.features for phase in result.phases],
        "device": result.provenance["device"],
    }


def fresh(part):
    """Return a part that finds an empty store, and leaves none behind."""

    def done(task):
        with tempfile.TemporaryDirectory(dir=task.folder) as home:
            os.environ["CIFARKIT_HOME"] = home
            return part(task)

    return done


if __name__ == "__main__":
    carry_out(
        "cifarkit",
        {
            "prepare": prepare,
            "phase_1": fresh(phase_1),
            "last_50": fresh(lambda task: last(task, 50)),
            "last_20": fresh(lambda task: last(task, 20)),
            "short": fresh(short),
            "default": fresh(default),
        },
    )
