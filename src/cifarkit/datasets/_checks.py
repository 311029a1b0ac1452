"""What the parts of a split must be, whoever made them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._numbers import is_whole
from cifarkit._types import Images, Labels


def array_of(given: Any) -> NDArray[Any]:
    """Return what is given as an array.

    Raises:
        InvalidData: its rows have different shapes.
    """
    try:
        return np.asarray(given)
    except ValueError as error:
        raise InvalidData(
            "Expected an array, all rows of one shape; received rows that differ "
            f"({error}). Bring all images to one size, and labels to one form."
        ) from error


def check_size(size: int) -> None:
    """Raise InvalidArgument unless `size` is a whole number of at least 1."""
    if not is_whole(size, least=1):
        raise InvalidArgument(
            f"Expected size as a whole number of pixels from 1 up; received {size!r}. "
            "Give the side that the network sees, for example size=160."
        )


def check_names(names: tuple[str, ...]) -> None:
    """Raise InvalidData unless these are names, at least one, and all different."""
    well_formed = isinstance(names, tuple) and all(
        isinstance(name, str) and name for name in names
    )
    if not well_formed or not names or len(set(names)) < len(names):
        raise InvalidData(
            "Expected class_names as a tuple of at least one name, each different and "
            f"not empty; received {names!r}. Name every class once."
        )
    for name in names:
        if not name.isascii() and name != name.encode("utf-8", "replace").decode():
            raise InvalidData(
                f"Expected class names that UTF-8 can hold; received {name!r}. "
                "Rename the folder or the class."
            )


def check_images(images: Images) -> None:
    """Raise InvalidData unless these are uint8 RGB images with pixels in them."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise InvalidData(
            "Expected images as uint8, shape (N, H, W, 3), RGB in [0, 255]; received "
            f"{images.dtype}, shape {images.shape}. datasets.from_arrays converts "
            "other layouts."
        )
    if 0 in images.shape[1:]:
        raise InvalidData(
            f"Expected images with pixels in them; received shape {images.shape}. "
            "Check how the array was cut."
        )


def check_labels(labels: Labels, n: int, classes: int) -> None:
    """Raise InvalidData unless these are `n` int64 numbers in [0, `classes`)."""
    if labels.dtype != np.int64 or labels.shape != (n,):
        raise InvalidData(
            f"Expected labels as int64, shape ({n},), one per image; received "
            f"{labels.dtype}, shape {labels.shape}. datasets.from_arrays converts "
            "other layouts."
        )
    if n and not 0 <= labels.min() <= labels.max() < classes:
        raise InvalidData(
            f"Expected labels from 0 to {classes - 1}, one number per class name; "
            f"received {labels.min()} to {labels.max()}. Name every class, or "
            "renumber the labels from 0."
        )
