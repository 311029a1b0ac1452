"""What a user hands to `fit`, as one kind of value that gives batches."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Floats, Images, Labels
from cifarkit.datasets import Split, Splits, split_of
from cifarkit.training._batches import Batches, Feed, Look, class_weights
from cifarkit.training._devices import ALONE, Share
from cifarkit.training._phase import Phase
from cifarkit.training._streams import Stream, is_stream


class Source(Protocol):
    """Labelled images that can be drawn in batches."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one native image, `(H, W, 3)`."""

    @property
    def classes(self) -> int:
        """How many classes there are."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their numbers."""

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
        digest: digest of the training images, or None where they are a stream.
    """

    train: Source
    validation: Source | None
    size: int | None
    digest: str | None

    @property
    def streamed(self) -> bool:
        """Whether the training images are a stream, whose batches are its own."""
        return self.digest is None


@dataclass(frozen=True)
class InMemory:
    """A split held in memory.

    Args:
        split: the images and labels.
        size: side in pixels at which they are to be presented, or None.
        share: which part of each batch this process learns from.
    """

    split: Split
    size: int | None
    share: Share = ALONE

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one native image."""
        return self.split.images.shape[1:]

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.split.class_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.split.class_names

    def __len__(self) -> int:
        return len(self.split)

    @cached_property
    def on_device(self) -> Any:
        """The images on the device that Keras on JAX computes on, put there once."""
        import jax

        return jax.device_put(self.split.images)

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        """Return its batches for a phase."""

        def look(chosen: Labels, noise: Floats) -> Images:
            return self.split.images[chosen]

        return self.batches(look, phase, draws=draws, key=key).feed()

    def batches(
        self, look: Look, phase: Phase, *, draws: int, key: tuple[int, ...] | None
    ) -> Batches:
        """Return its batches for a phase, of what `look` gives of the images."""
        return Batches(
            look,
            self.split.labels,
            classes=self.classes,
            batch_size=phase.batch_size,
            draws=draws,
            weights=None if key is None else self.weights(phase),
            key=key,
            share=self.share,
        )

    def weights(self, phase: Phase) -> Floats:
        """Return the weight of each class in a phase."""
        counts = np.bincount(self.split.labels, minlength=self.classes)
        return class_weights(phase.class_weight, counts)


class InPlace:
    """What a phase learns from in place of images: labels and classes are theirs."""

    images: InMemory

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self.images.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.images.class_names

    def __len__(self) -> int:
        return len(self.images)


def data_of(given: Any, validation: Any = None, share: Share = ALONE) -> Data:
    """Return `given` and `validation` as `Data`.

    Args:
        given: `Splits`; or a `Split`, a pair `(images, labels)`, or a batched
            `tf.data.Dataset` of such pairs, RGB in [0, 255].
        validation: likewise; not beside `Splits`, which have their own.
        share: which part of each batch this process learns from.

    Raises:
        InvalidArgument: `given` is none of these, or a stream for several processes.
        InvalidData: the two do not fit together, or cannot be used.
    """
    if isinstance(given, Splits):
        if validation is not None:
            raise InvalidArgument(
                "Expected no validation= beside Splits, which hold their own; received "
                f"{type(validation).__name__}. Pass data.train for another one."
            )
        given, validation = given.train, given.validation
    train = _source(given, share)
    other = None if validation is None else _source(validation, share, like=train)
    if not len(train):
        raise InvalidData("Expected at least one training image; received none.")
    if other is None or not len(other):
        other = None
    else:
        _check_alike(train, other)
    return _described(train, other)


def _described(train: Source, validation: Source | None) -> Data:
    split = train.split if isinstance(train, InMemory) else None
    return Data(
        train,
        validation,
        size=train.size if isinstance(train, InMemory) else None,
        digest=split.digest if split else None,
    )


def _source(given: Any, share: Share, like: Source | None = None) -> Source:
    if isinstance(given, Split):
        return InMemory(given, given.size, share)
    if isinstance(given, tuple | list) and len(given) == 2:
        names = like.class_names if like else None
        return InMemory(split_of(*given, class_names=names), None, share)
    if is_stream(given) and share.processes == 1:
        return Stream.of(given, classes=like.classes if like else None)
    raise InvalidArgument(
        "Expected Splits, a pair (images, labels) or, in one process, a batched "
        f"tf.data.Dataset; received {type(given).__name__}."
    )


def _check_alike(train: Source, other: Source) -> None:
    """Raise unless validation has the classes and the native size of training."""
    names = train.class_names, other.class_names
    whole = isinstance(train, InMemory) and isinstance(other, InMemory)
    if not whole and set(names[0]) != set(names[1]):
        names = (), ()  # a stream may call its classes otherwise, in the same order
    for what, ours, theirs in (
        ("images of shape", train.shape, other.shape),
        ("number of classes", train.classes, other.classes),
        ("class names", *names),
    ):
        if ours != theirs:
            raise InvalidData(
                f"Expected validation with the {what} {ours}, as in training; "
                f"received {theirs}."
            )


def in_memory(data: Data) -> dict[str, InMemory]:
    """Return the parts that are held in memory, by name; none if one is a stream."""
    given = {"train": data.train, "validation": data.validation}
    whole = {part: each for part, each in given.items() if isinstance(each, InMemory)}
    streams = any(each and part not in whole for part, each in given.items())
    return {} if streams else whole
