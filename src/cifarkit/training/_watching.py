"""What watches a phase from the inside: Keras callbacks of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from cifarkit.training._batches import Feed
from cifarkit.training._fed import Fed
from cifarkit.training._guarding import Finite, FiniteLater
from cifarkit.training._phase import Phase


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Tells the feed which epoch begins; Keras itself does so once too often."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._feed.begin_epoch(epoch)


class Averaged(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Shows the averaged weights from an epoch's validation to the next epoch's start.

    It comes before every callback that looks at weights. The optimizer's averages are
    only read, so that Keras finds them as they are when it ends the training, early or
    not; `keras.callbacks.SwapEMAWeights` exchanges the two by additions, which round,
    and leaves the wrong ones after an early stop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own: list[Any] | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.own is not None:
            pairs = zip(self.model.trainable_variables, self.own, strict=True)
            for variable, value in pairs:
                variable.assign(value)
        self.own = None

    def on_test_begin(self, logs: Any = None) -> None:
        self._show()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._show()

    def _show(self) -> None:
        if self.own is None:
            learning = self.model.trainable_variables
            self.own = [keras.ops.convert_to_numpy(each).copy() for each in learning]
            self.model.optimizer.finalize_variable_values(learning)
            if keras.backend.backend() == "jax":
                # There a weight and its average are now one array, which the next step
                # would give away twice.
                for each in learning:
                    each.assign(keras.ops.copy(each))


def own_callbacks(phase: Phase, fed: Fed, number: int, *, awaited: bool) -> list[Any]:
    """Return the callbacks that a phase asks for, in their order.

    Args:
        phase: the phase.
        fed: the model that is fitted.
        number: of the phase, from 1.
        awaited: whether something wants each step's end; if not, nothing does.
    """
    own: list[Any] = []
    optimizer: Any = fed.optimizer
    if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
        own.append(Averaged())
    own.append(Finite(number) if awaited else FiniteLater(number, fed))
    if phase.schedule == "plateau":
        own.append(keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=2))
    if phase.patience is not None:
        own.append(
            keras.callbacks.EarlyStopping(
                patience=phase.patience, restore_best_weights=True
            )
        )
    return own


def awaits_steps(callback: Any) -> bool:
    """Whether Keras waits for each step's end, to tell a callback what it gave."""
    acts = _has(callback, "on_batch_end", "on_train_batch_end")
    return acts and not getattr(callback, "async_safe", False)


def sees_steps(callback: Any) -> bool:
    """Whether a callback acts before or after steps, of training or of validation."""
    moments = ("begin", "end")
    kinds = ("batch", "train_batch", "test_batch")
    return _has(callback, *(f"on_{kind}_{each}" for kind in kinds for each in moments))


def _has(callback: Any, *hooks: str) -> bool:
    """Whether a callback has any of these hooks of its own."""
    own = (getattr(callback, hook, None) for hook in hooks)
    return not all(getattr(hook, "_is_default", False) for hook in own)


def tell(
    callbacks: Sequence[Any], number: int, history: Mapping[str, Sequence[Any]]
) -> None:
    """Tell callbacks that ask for it which phase begins.

    Args:
        callbacks: those with a method `on_phase_begin` are told.
        number: of the phase, from 1.
        history: what an earlier process has done of it, by metric and epoch.
    """
    for callback in callbacks:
        if hasattr(callback, "on_phase_begin"):
            callback.on_phase_begin(number, history)


def kept_epoch(callbacks: Sequence[Any], epochs: int) -> int:
    """Return the epoch, from 0, whose weights a phase of so many epochs ended with.

    Early stopping, ours or the user's, takes back its best epoch's weights, if it has
    seen one: it may begin late, or watch what is not there.
    """
    for callback in reversed(callbacks):
        stopping = isinstance(callback, keras.callbacks.EarlyStopping)
        if stopping and callback.restore_best_weights and callback.best_weights:
            return int(callback.best_epoch)
    return epochs - 1
