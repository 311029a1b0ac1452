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

from cifarkit._errors import InvalidArgument, TrainingError
from cifarkit.augment import Policy
from cifarkit.training._batches import Feed
from cifarkit.training._freezing import BatchNormGuard, freeze, learning
from cifarkit.training._inputs import Data
from cifarkit.training._network import Fed, Network, fed
from cifarkit.training._optimizing import is_sparse, loss_of, optimizer_of
from cifarkit.training._phase import Phase
from cifarkit.training._result import PhaseResult

Verbose = Literal["auto", 0, 1, 2]


def prepare(network: Network, phase: Phase) -> tuple[bool, ...]:
    """Freeze and unfreeze the backbone as a phase says; return what learns."""
    mask = learning(
        network.body, phase.unfreeze, snap=phase.snap, block_of=network.block_of
    )
    freeze(network.body, mask, batch_norm=phase.batch_norm)
    return mask


def compiled(network: Network, phase: Phase, data: Data, policy: Policy) -> Fed:
    """Return the network, prepared and compiled for a phase, as it is fed."""
    prepare(network, phase)
    loss = loss_of(phase)
    if is_sparse(loss) and policy.mixes:
        raise InvalidArgument(
            f"Expected a loss for mixed targets beside MixUp or CutMix; received "
            f"{phase.loss!r}, which takes whole classes. Use loss='auto'."
        )
    model = fed(
        network,
        policy,
        shape=data.train.shape,
        classes=data.train.classes,
        sparse=is_sparse(loss),
    )
    steps = data.train.feed(phase, draws=policy.draws, key=None).steps
    model.compile(
        optimizer=optimizer_of(phase, steps * phase.epochs),
        loss=loss,
        metrics=["accuracy", *phase.metrics],
    )
    return model


def run(
    network: Network,
    phase: Phase,
    data: Data,
    policy: Policy,
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
        InvalidArgument: the phase needs validation data that are not there.
        TrainingError: the loss is not finite, or a frozen batch norm moved.
    """
    _check_validation(phase, data)
    started = time.perf_counter()
    model = compiled(network, phase, data, policy)
    guard = BatchNormGuard(network.body)
    feed = data.train.feed(phase, draws=policy.draws, key=(seed, number))
    history = model.fit(
        feed.batches,
        validation_data=_validation(phase, data, policy),
        epochs=phase.epochs,
        shuffle=False,  # the feed has its own order
        callbacks=[_Epochs(feed), *_own_callbacks(phase), *callbacks],
        verbose=_verbosity(verbose),
    ).history
    guard.check()
    _check_finite(history["loss"], number)
    return PhaseResult(
        history={name: tuple(map(float, each)) for name, each in history.items()},
        seconds=time.perf_counter() - started,
        kept_epoch=_kept_epoch(phase, history),
        weights=tuple(network.model.get_weights()),
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


def _validation(phase: Phase, data: Data, policy: Policy) -> Any:
    if data.validation is None:
        return None
    return data.validation.feed(phase, draws=policy.draws, key=None).batches


def _check_validation(phase: Phase, data: Data) -> None:
    needs = phase.patience is not None or phase.schedule == "plateau"
    if needs and data.validation is None:
        raise InvalidArgument(
            "Expected validation data for patience= or schedule='plateau'; received "
            "none. Pass validation=, or leave both out."
        )


def _check_finite(losses: Sequence[float], number: int) -> None:
    if not np.isfinite(losses).all():
        raise TrainingError(
            f"Expected a finite loss; phase {number} reached {losses[-1]} in epoch "
            f"{len(losses)}. Lower its learning_rate, or set clip_norm=1.0."
        )


def _kept_epoch(phase: Phase, history: dict[str, list[float]]) -> int:
    """Early stopping takes back the weights of its best epoch; else the last stay."""
    if phase.patience is None:
        return len(history["loss"]) - 1
    return int(np.argmin(history["val_loss"]))


def _verbosity(verbose: Verbose) -> int:
    if verbose != "auto":
        return verbose
    return 1 if sys.stdout.isatty() else 2
