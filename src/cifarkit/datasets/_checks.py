"""What the parts of a split must be, whoever made them."""

import numpy as np

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Images, Labels


def check_size(size: int) -> None:
    """Raise InvalidArgument unless `size` is a whole number of at least 1."""
    whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
    if not whole or size < 1:
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
