"""Batches whose order and noise follow from (seed, phase, epoch, step) alone."""

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument
from cifarkit._types import Floats, Labels
from cifarkit.training._devices import ALONE, Share

_AHEAD = 4  # batches that are made while the network learns
_ORDER, _NOISE = 0, 1  # so that the two are never drawn from one stream

Look = Callable[[Labels, Floats], NDArray[Any]]
Batch = tuple[dict[str, NDArray[Any]], Floats, Floats]


@dataclass(frozen=True)
class Feed:
    """What `keras.Model.fit` reads, and what it must be told.

    Args:
        batches: a `keras.utils.PyDataset` or a `tf.data.Dataset` of
            `({"image", "target", "noise"}, targets, weights)`.
        steps: batches per epoch.
        draws: random numbers per image that the batches bring.
        begin_epoch: is called with the epoch, from 0, before its first batch is read.
        failure: what making a batch has raised, which a `tf.data.Dataset` tells in
            words alone.
    """

    batches: Any
    steps: int
    draws: int
    begin_epoch: Callable[[int], None]
    failure: Callable[[], Exception | None] = lambda: None

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise what making a batch has raised as it was."""
        try:
            yield
        except Exception as error:
            if (own := self.failure()) is not None and own is not error:
                raise own from error
            raise


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
    """Images, one-hot targets, noise and weights, a batch at a time.

    Args:
        look: gives the images of chosen positions, `(B, H, W, 3)`, or what is kept of
            them, under their noise, `(B, draws)`.
        labels: int64, shape `(N,)`.
        classes: how many classes there are.
        batch_size: images per batch; the last one of an epoch may be smaller.
        draws: random numbers per image that augmentation wants; 0 for none.
        weights: weight of each class, float32, shape `(classes,)`, or None.
        key: the integers that all randomness follows from; None keeps the order of
            the images and draws no noise.
        share: which part of each batch is given.
    """

    def __init__(
        self,
        look: Look,
        labels: Labels,
        *,
        classes: int,
        batch_size: int,
        draws: int,
        weights: Floats | None = None,
        key: tuple[int, ...] | None = None,
        share: Share = ALONE,
    ) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._share = share
        self._look, self._labels = look, labels
        self._size, self._draws, self._key = batch_size, draws, key
        self._targets = np.eye(classes, dtype=np.float32)
        self._weights = np.ones(classes, np.float32) if weights is None else weights
        self.begin_epoch(0)

    @property
    def num_batches(self) -> int:
        """Steps per epoch."""
        return self._share.steps(len(self._labels), self._size)

    @property
    def full(self) -> int:
        """How many of them are not smaller than the others."""
        return len(self._labels) // self._size

    def feed(self) -> Feed:
        """Return these batches as `keras.Model.fit` takes them."""
        on_tensorflow = keras.backend.backend() == "tensorflow"
        batches = _streamed(self) if on_tensorflow else self
        return Feed(
            batches,
            self.num_batches,
            self._draws,
            self.begin_epoch,
            failure=lambda: self.failure,
        )

    def begin_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch, counted from 0."""
        self._epoch = epoch
        self._order = np.arange(len(self._labels))
        if self._key is not None:
            np.random.default_rng((*self._key, epoch, _ORDER)).shuffle(self._order)

    def __getitem__(self, step: int) -> Batch:
        """Return `({"image", "target", "noise"}, targets, weights)` of a step."""
        try:
            return self._made(step)
        except Exception as error:
            self.failure = error
            raise

    def _made(self, step: int) -> Batch:
        chosen = self._order[step * self._size : (step + 1) * self._size]
        part = self._share.part(len(chosen))
        noise, chosen = self._noise(step, len(chosen))[part], chosen[part]
        labels = self._labels[chosen]
        targets = self._targets[labels]
        inputs = {"image": self._look(chosen, noise), "target": targets, "noise": noise}
        return inputs, targets, self._weights[labels]

    def _noise(self, step: int, count: int) -> Floats:
        if self._key is None:
            return np.zeros((count, self._draws), np.float32)
        random = np.random.default_rng((*self._key, self._epoch, _NOISE, step))
        return random.random((count, self._draws), dtype=np.float32)


def _streamed(batches: Batches) -> Any:
    """Return batches as a `tf.data.Dataset` that nothing waits for when it ends.

    It has no batch when nobody else refers to them any more.

    Keras makes one of them by itself, and has it autotuned. The thread that does so
    looks up after 10 ms, 20 ms, ... 60 s, and the end of an epoch waits until it does.
    """
    import tensorflow as tf

    known = weakref.ref(batches)  # TensorFlow keeps each generator for ever

    def epoch() -> Iterator[Batch]:
        if found := known():
            yield from (found[step] for step in range(found.num_batches))

    signature = tf.nest.map_structure(
        lambda each: tf.TensorSpec((None, *each.shape[1:]), each.dtype), batches[0]
    )
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    counted = tf.data.experimental.assert_cardinality(batches.num_batches)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.apply(counted).prefetch(_AHEAD).with_options(options)


def class_weights(
    wanted: Mapping[int, float] | str | None, counts: NDArray[np.integer[Any]]
) -> Floats:
    """Return the weight of each class, float32, shape `(classes,)`.

    Args:
        wanted: as in `Phase.class_weight`.
        counts: how many images each class has, shape `(classes,)`.

    `"balanced"` weighs a class by `N / (classes * its count)` (King and Zeng 2001).

    Raises:
        InvalidArgument: a weight for a class that does not exist, or no image that has
            any weight.
    """
    classes = len(counts)
    if wanted is None:
        return np.ones(classes, np.float32)
    if not isinstance(wanted, Mapping):
        balanced = int(counts.sum()) / (classes * np.maximum(counts, 1))
        return np.asarray(balanced, np.float32)
    if strange := sorted(set(wanted) - set(range(classes)), key=repr):
        raise InvalidArgument(
            f"Expected class_weight for classes 0 to {classes - 1}; received "
            f"{strange}. Number the classes as the labels do."
        )
    with np.errstate(over="ignore"):
        given = [wanted.get(each, 1.0) for each in range(classes)]
        weights = np.array(given).astype(np.float32)
    if not np.isfinite(weights).all():
        raise InvalidArgument(
            f"Expected class_weight that float32 can hold; received {dict(wanted)}."
        )
    if not (weights * counts).any():
        raise InvalidArgument(
            f"Expected class_weight above 0 for a class of the images; received "
            f"{dict(wanted)}, under which nothing learns."
        )
    return weights
