"""A user's own `tf.data.Dataset` as a source of batches."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidData
from cifarkit._types import Labels
from cifarkit.datasets._checks import check_names
from cifarkit.training._batches import Feed, class_weights
from cifarkit.training._phase import Phase

_MOST = 1_000_000
"""Classes; a label beyond is no number of a class."""


def is_stream(given: Any) -> bool:
    """Whether `given` is a `tf.data.Dataset`; never imports TensorFlow itself."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(given, tensorflow.data.Dataset)


@dataclass(frozen=True)
class Stream:
    """A batched data set of `(images, labels)`, looked through once.

    Args:
        dataset: the user's data set; its own order and augmentation are kept.
        shape: of one native image.
        counts: how many images of each class one pass gives.
        steps: how many batches one pass gives.
    """

    dataset: Any
    shape: tuple[int, ...]
    counts: tuple[int, ...]
    steps: int

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.counts)

    @classmethod
    def of(cls, dataset: Any, *, classes: int | None = None) -> "Stream":
        """Look through a data set once: its steps, its classes, its range.

        Args:
            dataset: batches of RGB images in [0, 255], shape `(B, H, W, 3)`, and of
                integer labels `(B,)` or one-hot labels `(B, C)`. One that never ends
                and does not say so is read for ever.
            classes: how many classes there are; by default as many as the labels show.

        Raises:
            InvalidData: it is endless, not batched, or its range or labels are wrong.
        """
        shape, known = _signature(dataset)
        counts, steps = np.zeros(known or classes or 0, np.int64), 0
        lowest, highest = np.inf, -np.inf
        for images, labels in dataset.as_numpy_iterator():
            steps += 1
            if not len(images):
                raise InvalidData(
                    f"Expected images in every batch; received none in batch {steps}. "
                    "Leave empty batches out: dataset.filter(...)."
                )
            lowest = np.minimum(lowest, images.min())  # which keeps a NaN
            highest = np.maximum(highest, images.max())
            counts = _added(counts, _numbered(labels))
        whole = np.issubdtype(dataset.element_spec[0].dtype.as_numpy_dtype, np.integer)
        _check_range(steps, float(lowest), float(highest), whole=bool(whole))
        most = known or classes or len(counts)
        if len(counts) > most:
            raise InvalidData(
                f"Expected labels below {most}; received {len(counts) - 1}. "
                "Number the classes from 0."
            )
        if not (known or classes) and not counts.all():
            raise InvalidData(
                f"Expected images of every class from 0 to {most - 1}; received none "
                f"of class {int(counts.argmin())}. Number the classes from 0, without "
                "gaps."
            )
        found = cls(dataset, shape, tuple(counts.tolist()), steps)
        check_names(found.class_names)
        if len(found.class_names) != found.classes:
            raise InvalidData(
                f"Expected {found.classes} names of classes, as the labels show; "
                f"received {found.class_names!r:.300}. Set dataset.class_names."
            )
        return found

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names that the data set itself bears, or numbers as text."""
        names = getattr(self.dataset, "class_names", None)
        return tuple(map(str, range(self.classes)) if names is None else names)

    def __len__(self) -> int:
        return sum(self.counts)

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        """Return the data set in the form in which a fed network takes it."""
        import tensorflow as tf

        weights = tf.constant(
            class_weights(phase.class_weight if key else None, np.array(self.counts))
        )
        random = tf.random.Generator.from_seed(0)

        def begin_epoch(epoch: int) -> None:
            seed = np.random.SeedSequence((*(key or ()), epoch)).generate_state(1)
            random.reset_from_seed(int(seed[0]))

        def packed(images: Any, labels: Any) -> tuple[dict[str, Any], Any, Any]:
            if labels.shape.rank == 2 and labels.shape[1] == 1:
                labels = labels[:, 0]
            if labels.shape.rank == 1:
                labels = tf.one_hot(tf.cast(labels, "int64"), self.classes)
            targets = tf.cast(labels, "float32")
            noise = random.uniform((tf.shape(images)[0], draws))
            inputs = {"image": images, "target": targets, "noise": noise}
            return inputs, targets, tf.linalg.matvec(targets, weights)

        batches = self.dataset.map(packed).prefetch(tf.data.AUTOTUNE)
        return Feed(batches, self.steps, draws, begin_epoch)


def _numbered(labels: NDArray[Any]) -> NDArray[Any]:
    """Return class numbers, `(B,)`, of labels in any of the three usual forms."""
    if labels.ndim == 1 or labels.shape[1] == 1:
        numbers: NDArray[Any] = labels.reshape(-1)
        return numbers
    if not np.allclose(labels.sum(axis=1), 1) or labels.min() < 0:
        raise InvalidData(
            "Expected one-hot labels, whose rows sum to 1; received others. "
            "Give class numbers, shape (B,)."
        )
    return np.asarray(labels.argmax(axis=1))


def _added(counts: Labels, labels: NDArray[Any]) -> Labels:
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise InvalidData(
            "Expected labels as whole numbers of at least 0, or one-hot; received "
            f"{labels.dtype} from {labels.min()}. Number the classes from 0."
        )
    if labels.max() >= _MOST:
        raise InvalidData(
            f"Expected labels below {_MOST:,}; received {labels.max()}. Number the "
            "classes from 0, without gaps."
        )
    more = np.bincount(labels, minlength=len(counts))
    return more + np.pad(counts, (0, len(more) - len(counts)))


def _check_range(steps: int, lowest: float, highest: float, *, whole: bool) -> None:
    if steps == 0:
        raise InvalidData("Expected at least one image; received an empty data set.")
    if not 0 <= lowest <= highest <= 255:
        raise InvalidData(
            f"Expected RGB in [0, 255]; received values from {lowest:g} to "
            f"{highest:g}. Leave scaling to the backbone."
        )
    if highest <= 1 and not whole:
        raise InvalidData(
            "Expected RGB in [0, 255]; received values in [0, 1]. Images in [0, 1] "
            "must be multiplied by 255."
        )


def _signature(dataset: Any) -> tuple[tuple[int, ...], int | None]:
    import tensorflow as tf

    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise InvalidData(
            f"Expected a data set of pairs (images, labels); received {spec}."
        )
    images, labels = spec
    if not all(isinstance(each, tf.TensorSpec) for each in spec):
        raise InvalidData(
            "Expected a data set whose images and labels are plain tensors; received "
            f"{spec}. Take them out by .map()."
        )
    if images.shape.rank != 4 or images.shape[-1] != 3 or None in images.shape[1:]:
        raise InvalidData(
            "Expected batches of RGB images, shape (B, H, W, 3) with H and W known; "
            f"received {images.shape}. Call .batch(64), and resize to one size."
        )
    if int(dataset.cardinality()) == -1:
        raise InvalidData(
            "Expected a data set that ends; received an endless one. Remove .repeat(): "
            "the trainer repeats the data itself."
        )
    if labels.shape.rank not in (1, 2) or None in labels.shape[1:]:
        raise InvalidData(
            "Expected batches of class numbers, shape (B,), or of one-hot labels, "
            f"shape (B, C) with C known; received {labels.shape}. Say so by "
            "output_signature=, or by tf.ensure_shape in .map()."
        )
    one_hot = int(labels.shape[1]) if labels.shape.rank == 2 else None
    if one_hot == 1:
        one_hot = None
    return tuple(images.shape[1:]), one_hot
