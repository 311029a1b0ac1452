"""One phase: set what learns, compile, fit. In this order, always.

A network whose `trainable` flags change after `compile` goes on learning as before and
says nothing, so freezing is part of a phase and never a callback.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

from cifarkit import models
from cifarkit._errors import InvalidArgument, TrainingError
from cifarkit.augment import Policy
from cifarkit.training._batches import Feed
from cifarkit.training._freezing import BatchNormGuard, freeze, learning
from cifarkit.training._inputs import Data
from cifarkit.training._network import Fed, Network, fed
from cifarkit.training._optimizing import is_sparse, loss_of, optimizer_of
from cifarkit.training._phase import Phase
from cifarkit.training._result import PhaseResult
from cifarkit.training._stage import Stage

Verbose = Literal["auto", 0, 1, 2]


def prepare(network: Network, phase: Phase) -> tuple[bool, ...]:
    """Freeze and unfreeze the backbone as a phase says; return what learns."""
    mask = learning(
        network.body, phase.unfreeze, snap=phase.snap, block_of=network.block_of
    )
    freeze(network.body, mask, batch_norm=phase.batch_norm)
    return mask


def compiled(network: Network, stage: Stage, phase: Phase) -> Fed:
    """Return the network, prepared and compiled for a phase, as it is fed."""
    prepare(network, phase)
    loss, train = loss_of(phase), stage.data.train
    feed = train.feed(phase, draws=stage.policy.draws, key=None)
    model = fed(
        network,
        models.accelerated(stage.learner),
        stage.policy,
        shape=train.shape,
        classes=train.classes,
        draws=feed.draws,
        sparse=is_sparse(loss),
    )
    model.compile(
        optimizer=optimizer_of(phase, feed.steps * phase.epochs),
        loss=loss,
        metrics=["accuracy", *phase.metrics],
    )
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
) -> PhaseResult:
    """Run one phase on the network, in place, and return what came of it.

    All randomness of the batches follows from `seed`, the phase's `number` (from 1),
    the epoch and the step.

    Raises:
        TrainingError: the loss is not finite, or a frozen batch norm moved.
    """
    started = time.perf_counter()
    model = compiled(network, stage, phase)
    guard = BatchNormGuard(network.body)
    draws = stage.policy.draws
    feed = stage.data.train.feed(phase, draws=draws, key=(seed, number))
    watchers = [*_own_callbacks(phase), *callbacks]
    history = model.fit(
        feed.batches,
        validation_data=_validation(stage, phase),
        epochs=phase.epochs,
        shuffle=False,  # the feed has its own order
        callbacks=[_Epochs(feed), *watchers],
        verbose=_verbosity(verbose),
    ).history
    guard.check()
    _check_finite(history["loss"], number)
    return PhaseResult(
        history={name: tuple(map(_plain, each)) for name, each in history.items()},
        seconds=time.perf_counter() - started,
        kept_epoch=_kept_epoch(watchers, len(history["loss"])),
        weights=tuple(network.model.get_weights()),
        features=stage.seconds,
        engine=stage.engine,
    )


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Tells the feed which epoch begins; Keras itself does so once too often."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._feed.begin_epoch(epoch)


def _own_callbacks(phase: Phase) -> list[Any]:
    own: list[Any] = [keras.callbacks.TerminateOnNaN()]
    if phase.schedule == "plateau":
        own.append(keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=2))
    if phase.patience is not None:
        own.append(
            keras.callbacks.EarlyStopping(
                patience=phase.patience, restore_best_weights=True
            )
        )
    return own


def _validation(stage: Stage, phase: Phase) -> Any:
    validation = stage.data.validation
    if validation is None:
        return None
    return validation.feed(phase, draws=stage.policy.draws, key=None).batches


def rehearse(network: Network, phase: Phase, data: Data, policy: Policy) -> None:
    """Raise what a phase would raise, before anything is trained.

    Raises:
        InvalidArgument: a setting does not fit the network, the data or another one.
        UnknownName: the backbone has no such block or layer.
    """
    if (phase.patience or phase.schedule == "plateau") and data.validation is None:
        raise InvalidArgument(
            "Expected validation data for patience= or schedule='plateau'; received "
            "none. Pass validation=, or leave both out."
        )
    if is_sparse(loss_of(phase)) and policy.mixes:
        raise InvalidArgument(
            f"Expected a loss for mixed targets beside MixUp or CutMix; received "
            f"{phase.loss!r}, which takes whole classes. Use loss='auto'."
        )
    prepare(network, phase)
    optimizer_of(phase, steps=1)
    _check_metrics(phase)
    data.train.feed(phase, draws=policy.draws, key=(0,))


def _check_metrics(phase: Phase) -> None:
    for metric in phase.metrics:
        try:
            keras.metrics.get(metric)
        except ValueError as error:
            raise InvalidArgument(
                f"Expected a metric that Keras knows; received {metric!r}."
            ) from error


def _check_finite(losses: Sequence[float], number: int) -> None:
    if not np.isfinite(losses).all():
        raise TrainingError(
            f"Expected a finite loss; phase {number} reached {losses[-1]} in epoch "
            f"{len(losses)}. Lower its learning_rate, or set clip_norm=1.0."
        )


def _kept_epoch(callbacks: Sequence[Any], epochs: int) -> int:
    """Early stopping, ours or the user's, takes back its best epoch's weights."""
    for callback in reversed(callbacks):
        stopping = isinstance(callback, keras.callbacks.EarlyStopping)
        if stopping and callback.restore_best_weights:
            return int(callback.best_epoch)
    return epochs - 1


def _plain(value: Any) -> Any:
    """Return a number, or a list of numbers of a metric that gives several."""
    return np.asarray(value, np.float64).tolist()


def _verbosity(verbose: Verbose) -> int:
    if verbose != "auto":
        return verbose
    return 1 if sys.stdout.isatty() else 2
