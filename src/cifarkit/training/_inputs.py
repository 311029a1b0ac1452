"""What a user hands to `fit`, as one kind of value that gives batches."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Floats
from cifarkit.datasets import Split, Splits, split_of
from cifarkit.training._batches import Batches, Feed, class_weights
from cifarkit.training._phase import Phase
from cifarkit.training._streams import Stream, is_stream

__all__ = ["Data", "Source", "data_of"]


class Source(Protocol):
    """Labelled images that can be drawn in batches."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one native image, `(H, W, 3)`."""

    @property
    def classes(self) -> int:
        """How many classes there are."""

    def __len__(self) -> int:
        """How many images there are."""

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        """Return its batches for a phase; without a key, in order and without noise."""


@dataclass(frozen=True)
class Data:
    """Training and validation images, and the size that they are presented at.

    Args:
        train: the images to learn from.
        validation: the images to choose by, or None.
        size: side in pixels at which the data are to be presented, or None where the
            data do not say.
        class_names: the names of the classes, or numbers as text.
        digest: digest of the training images, or None where they are a stream.
    """

    train: Source
    validation: Source | None
    size: int | None
    class_names: tuple[str, ...]
    digest: str | None


@dataclass(frozen=True)
class _Whole:
    """A split held in memory."""

    split: Split

    @property
    def shape(self) -> tuple[int, ...]:
        return self.split.images.shape[1:]

    @property
    def classes(self) -> int:
        return len(self.split.class_names)

    def __len__(self) -> int:
        return len(self.split)

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        batches = Batches(
            self.split.images,
            self.split.labels,
            classes=self.classes,
            batch_size=phase.batch_size,
            draws=draws,
            weights=None if key is None else self._weights(phase),
            key=key,
        )
        return Feed(batches, batches.num_batches, batches.begin_epoch)

    def _weights(self, phase: Phase) -> Floats:
        counts = np.bincount(self.split.labels, minlength=self.classes)
        return class_weights(phase.class_weight, counts)


def data_of(given: Any, validation: Any = None) -> Data:
    """Return `given` and `validation` as `Data`.

    Args:
        given: `Splits`, a pair `(images, labels)`, or a batched `tf.data.Dataset` of
            such pairs, RGB in [0, 255].
        validation: a `Split`, a pair or a data set; not beside `Splits`, which have
            their own.

    Raises:
        InvalidArgument: `given` is none of these.
        InvalidData: the two do not fit together, or cannot be used.
    """
    if isinstance(given, Splits):
        return _from_splits(given, validation)
    train = _source(given)
    other = None if validation is None else _source(validation, like=train)
    if len(train) == 0:
        raise InvalidData("Expected at least one training image; received none.")
    if other is not None and other.shape != train.shape:
        raise InvalidData(
            f"Expected validation images of shape {train.shape}, as in training; "
            f"received {other.shape}."
        )
    split = train.split if isinstance(train, _Whole) else None
    return Data(
        train,
        other,
        size=None,
        class_names=split.class_names if split else _numbers(train.classes),
        digest=split.digest if split else None,
    )


def _from_splits(splits: Splits, validation: Any) -> Data:
    if validation is not None:
        raise InvalidArgument(
            "Expected no validation= beside Splits, which hold their own; received "
            f"{type(validation).__name__}. Pass (images, labels) of one split instead."
        )
    if len(splits.train) == 0:
        raise InvalidData("Expected at least one training image; received none.")
    chosen = _Whole(splits.validation) if len(splits.validation) else None
    train = splits.train
    return Data(
        _Whole(train), chosen, train.size, tuple(train.class_names), train.digest
    )


def _source(given: Any, like: Source | None = None) -> Source:
    if isinstance(given, Split):
        return _Whole(given)
    names = like.split.class_names if isinstance(like, _Whole) else None
    if isinstance(given, tuple | list) and len(given) == 2:
        return _Whole(split_of(*given, class_names=names))
    if is_stream(given):
        return Stream.of(given, classes=like.classes if like else None)
    raise InvalidArgument(
        "Expected Splits, a pair (images, labels) or a batched tf.data.Dataset; "
        f"received {type(given).__name__}."
    )


def _numbers(classes: int) -> tuple[str, ...]:
    return tuple(str(each) for each in np.arange(classes))
