"""One phase: set what learns, compile, fit. In this order, always.

A network whose `trainable` flags change after `compile` goes on learning as before and
says nothing, so freezing is part of a phase and never a callback.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal

import keras

from cifarkit import models
from cifarkit._errors import NotFinite
from cifarkit.training._fed import Fed, fed
from cifarkit.training._freezing import FrozenGuard
from cifarkit.training._guarding import Finite, memory_named
from cifarkit.training._keeping import Keeper, Keeping, plain
from cifarkit.training._learnt import learnt
from cifarkit.training._linear import fit_head
from cifarkit.training._looped import Looped
from cifarkit.training._network import Network
from cifarkit.training._optimizing import (
    is_sparse,
    loss_of,
    optimizer_of,
    unvanishing,
)
from cifarkit.training._phase import Phase
from cifarkit.training._preparing import prepare
from cifarkit.training._rates import Shares, shares_of
from cifarkit.training._resident import Resident, on_device
from cifarkit.training._resting import Resting
from cifarkit.training._result import PhaseResult
from cifarkit.training._signals import Held, held_back
from cifarkit.training._stage import Stage
from cifarkit.training._statistics import following, momentum_of
from cifarkit.training._watching import (
    Epochs,
    awaits_steps,
    kept_epoch,
    own_callbacks,
    sees_steps,
    tell,
)

Verbose = Literal["auto", 0, 1, 2]


def compiled(network: Network, stage: Stage, phase: Phase) -> Fed:
    """Return the network, prepared and compiled for a phase, as it is fed."""
    prepare(network, phase)
    loss, train = loss_of(phase), stage.data.train
    feed = train.feed(phase, draws=stage.policy.draws, key=None)
    model = fed(
        network,
        models.accelerated(stage.learner, train.shape),
        stage.policy,
        shape=train.shape,
        classes=train.classes,
        draws=feed.draws,
        sparse=is_sparse(loss),
        smoothing=phase.label_smoothing,
        kind=Looped if isinstance(train, Resident) else Fed,
    )
    steps = feed.steps * phase.epochs
    optimizer = optimizer_of(phase, steps, shares=_shares(network, phase))
    model.compile(
        optimizer=unvanishing(optimizer, model),
        loss=loss,
        metrics=["accuracy", *phase.metrics],
    )
    model.together = train.together if isinstance(train, Resident) else 1
    model.steps = feed.steps
    model.make_variables()
    return model


def run(
    network: Network,
    stage: Stage,
    phase: Phase,
    *,
    seed: int,
    number: int,
    callbacks: Sequence[Any],
    verbose: Verbose,
    keeping: Keeping,
) -> PhaseResult:
    """Run one phase on the network, in place, and return what came of it.

    All randomness of the batches follows from `seed`, the phase's `number` (from 1),
    the epoch and the step.

    Raises:
        InvalidArgument: a head is to be fitted to its optimum, and nothing is kept.
        NotFinite: the loss is no number any more.
        OutOfMemory: a step needs more than there is.
        TrainingError: the weights of a frozen layer moved.
        WriteError: the state cannot be kept.
    """
    began = time.perf_counter()
    awaited = bool(keeping.folder) or any(map(awaits_steps, callbacks))
    with memory_named(*_memory_words(stage, phase, number)):
        seen = awaited or any(map(sees_steps, callbacks))
        stage = on_device(stage, phase, seen=seen)
        model = compiled(network, stage, phase)
        words = str(learnt(network, phase))
        guard = FrozenGuard([*network.body, *(network.parts or ())[1:]])
        own = own_callbacks(phase, model, number, awaited=awaited)
        watchers = [*own, *callbacks]
        if phase.solved:
            tell(callbacks, number, {})
            history = _solved(model, network, stage, phase, watchers, verbose)
            seconds = 0.0
        else:
            key = (seed, number)
            history, seconds = _stepped(
                model, network, stage, phase, key, watchers, verbose, keeping
            )
    guard.check()
    return PhaseResult(
        history={name: tuple(map(plain, each)) for name, each in history.items()},
        seconds=time.perf_counter() - began + seconds,
        kept_epoch=kept_epoch(watchers, len(history["loss"])),
        weights=tuple(network.model.get_weights()),
        features=stage.seconds,
        engine=stage.engine,
        learnt=words,
    )


def _stepped(
    model: Fed,
    network: Network,
    stage: Stage,
    phase: Phase,
    key: tuple[int, int],
    watchers: Sequence[Any],
    verbose: Verbose,
    keeping: Keeping,
) -> tuple[dict[str, list[Any]], float]:
    """Train in steps; return the history, and the seconds of earlier processes."""
    feed = stage.data.train.feed(phase, draws=stage.policy.draws, key=key)
    validation = stage.data.validation
    others = validation and validation.feed(phase, draws=feed.draws, key=None)
    holding = held_back() if keeping.folder else nullcontext(Held())
    with holding as held, following(network.body, momentum_of(phase, feed.steps)):
        keeper = Keeper(model, watchers, feed.steps, keeping=keeping, held=held)
        epoch = keeper.continued(phase.epochs)
        tell(watchers, key[1], keeper.history)
        seeing = watchers
        if keeper.midway:
            seeing = [Resting(each, model) for each in watchers]
        try:
            with feed.telling(), (others or feed).telling():
                model.fit(
                    feed.batches,
                    validation_data=others and others.batches,
                    initial_epoch=epoch,
                    epochs=phase.epochs,
                    shuffle=False,  # the feed has its own order
                    callbacks=[Epochs(feed), *seeing, keeper],
                    verbose=_verbosity(verbose),
                )
        except NotFinite:
            finite = next(each for each in watchers if isinstance(each, Finite))
            finite.restore(model)  # behind what Keras does to weights in the end
            raise
    return keeper.history, keeper.before


def _solved(
    model: Fed,
    network: Network,
    stage: Stage,
    phase: Phase,
    watchers: Sequence[Any],
    verbose: Verbose,
) -> dict[str, list[Any]]:
    """Fit the head to its optimum, as if in one epoch of one step."""
    shown = _verbosity(verbose)
    watching = keras.callbacks.CallbackList(
        watchers, add_progbar=shown != 0, model=model, verbose=shown, epochs=1, steps=1
    )
    watching.on_train_begin()
    watching.on_epoch_begin(0)
    logs = fit_head(network, stage, phase)
    watching.on_epoch_end(0, logs)
    watching.on_train_end(logs)
    return {name: [value] for name, value in logs.items()}


def _memory_words(stage: Stage, phase: Phase, number: int) -> tuple[str, str]:
    """Return what a phase needs memory for, and what to do if there is too little."""
    if phase.solved:
        return (
            f"the optimum of the head in phase {number}",
            "Choose fewer images, or an optimizer that takes steps, such as 'adamw'.",
        )
    size, place = f"{phase.batch_size} images", f"batch_size in phase_{number}"
    if stage.data.streamed:
        size, place = "a batch of the data set", "batch in the data set"
    advice = f"Set a smaller {place}, unfreeze less, or choose a smaller size."
    return f"a step of phase {number} with {size}", advice


def _shares(network: Network, phase: Phase) -> Shares | None:
    if phase.rate_decay == 1:
        return None
    return shares_of(network.body, phase.rate_decay, block_of=network.block_of)


def _verbosity(verbose: Verbose) -> int:
    if verbose != "auto":
        return verbose
    return 1 if sys.stdout.isatty() else 2
