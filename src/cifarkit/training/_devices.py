"""Which devices share a training, and which part of each batch is this process's.

The engines are TensorFlow's and Keras' own: `tf.distribute` on several devices of one
host, `keras.distribution` on JAX for several hosts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from cifarkit._errors import InvalidArgument


@dataclass(frozen=True)
class Share:
    """A process's part of each batch.

    Args:
        devices: among how many a batch is divided; what is left over is left out.
        processes: among how many processes.
        index: the number of this one, from 0.
    """

    devices: int = 1
    processes: int = 1
    index: int = 0

    def steps(self, images: int, batch: int) -> int:
        """Return how many batches of `batch` images give each device one at least."""
        return images // batch + (images % batch >= self.devices)

    def part(self, images: int) -> slice:
        """Return which of the images of a batch are this process's."""
        own = (images - images % self.devices) // self.processes
        return slice(self.index * own, (self.index + 1) * own)


ALONE = Share()
"""All images, on one device."""


def share_of(strategy: Any) -> Share:
    """Return the share of this process under a strategy.

    Raises:
        InvalidArgument: it is no strategy, or not one of the backend that runs.
    """
    backend = keras.backend.backend()
    if strategy is None:
        return ALONE
    if isinstance(strategy, keras.distribution.DataParallel) and backend == "jax":
        import jax  # type: ignore[import-not-found, unused-ignore]

        devices = int(strategy.device_mesh.devices.size)
        return Share(devices, int(jax.process_count()), int(jax.process_index()))
    if backend == "tensorflow" and _is_of_tensorflow(strategy):
        return Share(int(strategy.num_replicas_in_sync))
    raise InvalidArgument(
        "Expected strategy to be None, a tf.distribute.MirroredStrategy on TensorFlow, "
        "or a keras.distribution.DataParallel on JAX; received "
        f"{type(strategy).__name__} on {backend}."
    )


@contextmanager
def shared(strategy: Any) -> Iterator[None]:
    """Let what is built and trained meanwhile be shared among a strategy's devices."""
    if strategy is None:
        yield
    elif isinstance(strategy, keras.distribution.DataParallel):
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(strategy)
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    else:
        with strategy.scope():
            yield


def _is_of_tensorflow(strategy: Any) -> bool:
    import tensorflow as tf

    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise InvalidArgument(
            "Expected a strategy under which Keras 3 can fit; received a "
            "MultiWorkerMirroredStrategy, under which it cannot (keras issue 20585). "
            "For several hosts use KERAS_BACKEND=jax and "
            "keras.distribution.DataParallel."
        )
    return isinstance(strategy, tf.distribute.Strategy)
