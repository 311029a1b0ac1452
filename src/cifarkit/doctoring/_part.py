"""The images of a training, looked through once, whatever is wrong with them.

The trainer refuses data that it cannot use. Here they are read without judgement, so
that all that is wrong can be said at once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit.datasets import Split, Splits
from cifarkit.datasets._checks import array_of
from cifarkit.training._streams import is_stream

MOST = 10_000
"""Images of a `tf.data.Dataset` that are read at most; arrays are read whole."""

_SAMPLE = 16
Form = Literal["numbers", "one-hot", "several", "soft", "names", "missing"]


@dataclass(frozen=True, eq=False)
class Part:
    """Labelled images, as far as they were read.

    Args:
        name: `"training"`, `"validation"` or `"test"`.
        sample: the first images as they are, shape `(n, H, W, C)`, n up to 16.
        low: smallest value of all.
        high: largest value of all.
        digests: of each image's pixels, in order.
        numbers: class numbers, int64, shape `(N,)`; None where labels are none.
        columns: of one-hot labels, or of the class names of a split; 1 of fractions; 0
            if unknown.
        form: what the labels look like; `"several"` has more than one class an image.
        free: whether they are those of a split, which gives any form.
        nbytes: what all images take in memory.
        batch: images per batch, if the data say so.
        complete: whether all images were read.
    """

    name: str
    sample: NDArray[Any]
    low: float
    high: float
    digests: tuple[bytes, ...]
    numbers: NDArray[np.int64] | None
    columns: int
    form: Form
    free: bool
    nbytes: int
    batch: int | None
    complete: bool

    def __len__(self) -> int:
        return len(self.digests)


def parts_of(data: Any, validation: Any) -> tuple[Part, ...]:
    """Return training images, and validation and test images where there are any.

    Args:
        data: `Splits`, a `Split`, a pair `(images, labels)`, or a `tf.data.Dataset`.
        validation: likewise, or None.

    Raises:
        InvalidArgument: these are none of the above.
        InvalidData: the images are not of shape `(N, H, W, C)`, there are none, or
            labels are missing for some of them.
    """
    named = [("training", data), ("validation", validation)]
    if isinstance(data, Splits):
        other = data.validation if validation is None else validation
        named = [("training", data.train), ("validation", other), ("test", data.test)]
    given = [(name, each) for name, each in named if each is not None or each is data]
    parts = [_part(name, each) for name, each in given]
    if not len(parts[0]):
        raise InvalidData("Expected at least one training image; received none.")
    return tuple(part for part in parts if len(part))


def _part(name: str, given: Any) -> Part:
    if isinstance(given, Split):
        names = len(given.class_names)
        return _read(name, [(given.images, given.labels)], columns=names, free=True)
    if isinstance(given, tuple | list) and len(given) == 2:
        return _read(name, [given])
    if is_stream(given):
        return _read(name, given.as_numpy_iterator(), most=MOST)
    raise InvalidArgument(
        "Expected Splits, a pair (images, labels) or a batched tf.data.Dataset; "
        f"received {type(given).__name__}."
    )


def _read(
    name: str,
    batches: Any,
    *,
    columns: int = 0,
    free: bool = False,
    most: int | None = None,
) -> Part:
    """Look through batches until `most` images are seen."""
    stream = most is not None
    sample: NDArray[Any] | None = None
    digests: list[bytes] = []
    labels: list[NDArray[Any]] = []
    sizes: list[int] = []
    low, high, nbytes, complete = np.inf, -np.inf, 0, True
    for images, numbers in _pairs(batches):
        if stream and len(digests) >= (most or 0):
            complete = False
            break
        sample = images[:_SAMPLE].copy() if sample is None else sample
        sizes.append(len(images))
        if len(images):
            low = float(np.minimum(low, images.min()))  # which keeps a NaN
            high = float(np.maximum(high, images.max()))
        digests += list(_digests(images))
        labels += [] if numbers is None else [numbers]
        nbytes += images.nbytes
    form, classes, width = _labels(labels)
    return Part(
        name=name,
        sample=np.zeros((0, 1, 1, 3), np.uint8) if sample is None else sample,
        low=low,
        high=high,
        digests=tuple(digests),
        numbers=classes,
        columns=columns or width,
        form=form,
        free=free,
        nbytes=0 if stream else nbytes,
        batch=max(sizes, default=0) if stream else None,
        complete=complete,
    )


def _pairs(batches: Any) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
    for batch in batches:
        both = isinstance(batch, tuple | list) and len(batch) >= 2
        images, labels = batch[:2] if both else (batch, None)
        images = array_of(images)
        if images.ndim != 4 or images.dtype.kind not in "uif":
            raise InvalidData(
                "Expected batches of images of shape (N, H, W, C), and their labels; "
                f"received {images.dtype} {images.shape}. Call .batch(64) on single "
                "images."
            )
        numbers = None if labels is None else array_of(labels)
        if numbers is not None and numbers.shape[:1] != images.shape[:1]:
            raise InvalidData(
                f"Expected one label for each of {len(images):,} images; received "
                f"labels of shape {numbers.shape}. Take both from the same place."
            )
        yield images, numbers


def _digests(images: NDArray[Any]) -> Iterator[bytes]:
    """Yield a digest of each image; 7 and 7.0 are one value."""
    for image in images:
        pixels = image
        if image.dtype != np.uint8:
            with np.errstate(invalid="ignore"):  # NaN is no whole number
                whole = image.astype(np.uint8)
            same = np.array_equal(whole, image)
            pixels = whole if same else image.astype(np.float32)
        data = np.ascontiguousarray(pixels).data
        yield hashlib.blake2b(data, digest_size=16).digest()


def _labels(
    batches: Sequence[NDArray[Any]],
) -> tuple[Form, NDArray[np.int64] | None, int]:
    """Return what labels look like, as class numbers, and how many columns they had."""
    rows = [each.reshape(len(each), -1) for each in batches if each.size]
    if not rows:
        return "missing", None, 0
    labels = np.concatenate(rows)
    if labels.dtype.kind not in "uifb":
        _, names = np.unique(labels.astype(str), return_inverse=True)
        return "names", names.reshape(-1).astype(np.int64), 0
    if labels.shape[1] == 1:
        with np.errstate(invalid="ignore"):  # NaN is no whole number
            numbers = labels[:, 0].astype(np.int64)
        whole = np.array_equal(numbers, labels[:, 0])
        return ("numbers", numbers, 0) if whole else ("soft", None, 1)
    return _columns(labels)


def _columns(labels: NDArray[Any]) -> tuple[Form, NDArray[np.int64] | None, int]:
    """Return the same of labels with a column for each class."""
    width, whole = labels.shape[1], bool(np.isin(labels, (0, 1)).all())
    if whole and labels.sum(axis=1).max() > 1:
        return "several", None, width
    form: Form = "one-hot" if whole else "soft"
    return form, labels.argmax(axis=1).astype(np.int64), width
