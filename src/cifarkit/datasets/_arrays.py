"""NumPy arrays in the layouts that people have, made into splits."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Images, Labels
from cifarkit.datasets._checks import array_of
from cifarkit.datasets._divide import divide
from cifarkit.datasets._splits import Split, Splits

Labelled: TypeAlias = tuple[ArrayLike, ArrayLike]
"""Images and their labels."""


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    size: int | None = None,
    validation: float = 0.1,
    test: float | Labelled = 0.1,
    seed: int = 0,
) -> Splits:
    """Return splits of images and labels that are in memory.

    Args:
        images: shape `(N, H, W, 3)`, or `(N, H, W)` or `(N, H, W, 1)` in gray; any
            integer or float type, values in [0, 255]. Floats are rounded.
        labels: class numbers or names, shape `(N,)` or `(N, 1)`, or one-hot rows,
            shape `(N, classes)`.
        class_names: one name per class, in the order of the class numbers. Without it,
            numbers are their own names, and names are sorted.
        size: side in pixels at which a network sees the images; by default the longer
            side of the images.
        validation: fraction of each class to choose on, in [0, 1).
        test: fraction of each class to test on, in [0, 1), or images and labels kept
            for that.
        seed: of the division, not negative.

    Returns:
        Splits with every class in each part that is not empty.

    Raises:
        InvalidData: the images or labels cannot be read as described, images are in
            [0, 1], or a class has too few images for the parts.
        InvalidArgument: a fraction, `size` or `seed` is out of range, or `test` is
            neither a fraction nor a pair.

    Example:
        >>> images = np.zeros((30, 8, 8), np.uint8)
        >>> from_arrays(images, ["cat", "dog", "cow"] * 10, size=32)
        Splits(train=24, validation=3, test=3 images of 8 x 8, 3 classes, size=32)
    """
    whole = split_of(images, labels, class_names=class_names, size=size)
    source = "arrays"
    if not isinstance(test, tuple):
        return divide(whole, validation=validation, test=test, seed=seed, source=source)
    if len(test) != 2:
        raise InvalidArgument(
            "Expected test as a fraction or as a pair (images, labels); received "
            f"{len(test)} things. Put the pair in brackets."
        )
    kept = split_of(*test, class_names=whole.class_names, size=whole.size)
    parts = divide(whole, validation=validation, test=0, seed=seed, source=source)
    return Splits(parts.train, parts.validation, kept, source)


def split_of(
    images: ArrayLike,
    labels: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    size: int | None = None,
) -> Split:
    """Return all of the images as one split.

    Args:
        images: as in `from_arrays`.
        labels: as in `from_arrays`.
        class_names: as in `from_arrays`.
        size: as in `from_arrays`.

    Raises:
        InvalidData: the images or labels cannot be read as described there.
        InvalidArgument: `size` is out of range.

    Example:
        >>> split_of(np.zeros((2, 8, 8), np.uint8), ["cat", "dog"])
        Split(2 images of 8 x 8, 2 classes, size=8)
    """
    pixels = _rgb(array_of(images))
    numbers, names = _numbered(array_of(labels), _listed(class_names))
    side = max(pixels.shape[1:3]) if size is None else size
    return Split(pixels, numbers, names, side)


def _rgb(images: NDArray[Any]) -> Images:
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise InvalidData(
            "Expected images of shape (N, H, W, 3), (N, H, W, 1) or (N, H, W), none of "
            f"them 0; received shape {images.shape}. Put the channels last, and lay "
            "transparent images over a background first."
        )
    values = _bytes(images)
    return values if values.shape[3] == 3 else np.repeat(values, 3, axis=3)


def _bytes(images: NDArray[Any]) -> NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise InvalidData(
            f"Expected images of an integer or float type; received {images.dtype}. "
            "Convert them to uint8, values in [0, 255]."
        )
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 255):  # written so that NaN fails too
        raise InvalidData(
            f"Expected pixel values in [0, 255], none missing; received {low} to "
            f"{high}. Undo any normalisation, and replace values that are not numbers."
        )
    if images.dtype.kind == "f" and high <= 1:
        raise InvalidData(
            f"Expected pixel values in [0, 255]; received floats from {low} to {high}, "
            "which are on the [0, 1] scale. Multiply them by 255."
        )
    rounded: NDArray[np.uint8] = np.rint(images).astype(np.uint8)
    return rounded


def _listed(class_names: Iterable[str] | None) -> tuple[str, ...] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str) or not isinstance(class_names, Iterable):
        raise InvalidData(
            "Expected class_names as a list of names; received "
            f"{class_names!r:.100}. Name every class once."
        )
    return tuple(class_names)


def _numbered(
    labels: NDArray[Any], class_names: tuple[str, ...] | None
) -> tuple[Labels, tuple[str, ...]]:
    """Return labels as class numbers, and the names of the classes."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind in "UOT":  # T: NumPy's strings of any length
        return _looked_up(labels, class_names)
    if labels.ndim == 2:
        numbers, classes = _from_one_hot(labels), labels.shape[1]
    else:
        numbers = _whole(labels)
        classes = len(np.unique(numbers) if class_names is None else class_names)
    names = map(str, range(classes)) if class_names is None else class_names
    return numbers, _of_length(tuple(names), classes)


def _looked_up(
    labels: NDArray[Any], class_names: tuple[str, ...] | None
) -> tuple[Labels, tuple[str, ...]]:
    given = labels.tolist()
    if labels.ndim != 1 or not all(isinstance(label, str) for label in given):
        raise InvalidData(
            "Expected labels as names in one dimension, all text; received "
            f"{labels.dtype}, shape {labels.shape}. Give one name per image."
        )
    names = tuple(sorted(set(given))) if class_names is None else class_names
    if strange := sorted(set(given) - set(names)):
        raise InvalidData(
            f"Expected labels among the class names {names}; received "
            f"{', '.join(map(repr, strange[:5]))}. Add them to class_names."
        )
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[label] for label in given], dtype=np.int64), names


def _from_one_hot(rows: NDArray[Any]) -> Labels:
    ones: NDArray[np.bool_] = rows == 1
    if not ((ones | (rows == 0)).all() and (ones.sum(axis=1) == 1).all()):
        raise InvalidData(
            "Expected one-hot labels, exactly one 1 in each row and 0 elsewhere; "
            "received other rows. Give class numbers, shape (N,)."
        )
    numbers: Labels = ones.argmax(axis=1).astype(np.int64)
    return numbers


def _whole(labels: NDArray[Any]) -> Labels:
    if labels.ndim == 1 and labels.dtype.kind in "iuf":
        with np.errstate(invalid="ignore"):  # NaN is found by the comparison
            numbers: Labels = labels.astype(np.int64)
        if np.array_equal(labels, numbers):
            return numbers
    raise InvalidData(
        "Expected labels as whole numbers or names, shape (N,), or one-hot rows; "
        f"received {labels.dtype}, shape {labels.shape}. Give one class number per "
        "image, counted from 0."
    )


def _of_length(names: tuple[str, ...], classes: int) -> tuple[str, ...]:
    if len(names) != classes:
        raise InvalidData(
            f"Expected {classes} class names, one per column of the one-hot labels; "
            f"received {len(names)}. Name every column."
        )
    return names
