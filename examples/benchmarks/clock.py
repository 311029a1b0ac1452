"""What a training had reached, and when."""

import math
import time

import keras
from compiling import compiled, watch


class Clock(keras.callbacks.Callback):
    """Notes the epochs of one or several calls of `fit`.

    It acts between epochs only, so that no step waits for it.

    Args:
        started: where its time begins, by `time.perf_counter`.
    """

    def __init__(self, started):
        super().__init__()
        self.started, self.phase, self.parameters, self.epochs = started, 0, 0, []
        watch()

    def on_train_begin(self, logs=None):
        """Count the phases, and what learns in this one."""
        self.phase += 1
        shapes = [tuple(each.shape) for each in self.model.trainable_variables]
        self.parameters = sum(math.prod(shape) for shape in shapes)

    def on_epoch_begin(self, epoch, logs=None):
        """Start the epoch."""
        self.begun, self.trained = time.perf_counter(), None

    def on_test_begin(self, logs=None):
        """End the training of this epoch: its validation begins."""
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Note the epoch; `at_s` is seconds since the start, of all phases.

        `compiling_s` of them went into compiling, where that is known.
        """
        ended = time.perf_counter()
        self.epochs.append(
            {
                "phase": self.phase,
                "at_s": ended - self.started,
                "compiling_s": compiled(),
                "train_s": (self.trained or ended) - self.begun,
                "whole_s": ended - self.begun,
                **{name: float(value) for name, value in (logs or {}).items()},
            }
        )


class FirstSteps(keras.callbacks.Callback):
    """Notes the mean loss of the first steps of a training.

    Args:
        steps: how many, at most those of an epoch.
        stop: whether the training ends after them.
    """

    def __init__(self, steps, *, stop=False):
        super().__init__()
        self.steps, self.stop, self.loss = steps, stop, None

    def on_train_batch_end(self, batch, logs=None):
        """Keep the loss, which is the mean since the epoch began."""
        if self.loss is None and batch + 1 == self.steps:
            self.loss = float(logs["loss"])
            self.model.stop_training = self.stop
