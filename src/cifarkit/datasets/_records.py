"""CIFAR's published files: pickles, binary records, and the `.npz` that people make.

Each row of a file is one image: 3,072 bytes, the red, the green and the blue plane of
32 x 32 pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from cifarkit import _arrays
from cifarkit._errors import CorruptFile
from cifarkit._types import Arrays
from cifarkit.datasets._archive import LARGEST, members, reading
from cifarkit.datasets._pickles import unpickle

_Bytes: TypeAlias = NDArray[np.uint8]

_NPZ_NAMES = {
    "train_images": "x_train",
    "train_labels": "y_train",
    "test_images": "x_test",
    "test_labels": "y_test",
}


@final
@dataclass(frozen=True)
class Records:
    """Which files hold a data set, and which of their labels is meant.

    Args:
        train: names of the training files, in order.
        test: name of the test file.
        labels: key of the labels in a pickle.
        label_bytes: labels in front of a binary record, of which the last is meant.
        places: where the files may lie in a folder that holds several data sets.
    """

    train: tuple[str, ...]
    test: str
    labels: str
    label_bytes: int
    places: tuple[str, ...]

    def read(self, path: Path) -> Arrays:
        """Read a folder, a `.tar.gz` archive or an `.npz` file.

        Returns:
            `train_images` and `test_images`, uint8, shape `(N, 32, 32, 3)`;
            `train_labels` and `test_labels`, uint8, shape `(N,)`.

        Raises:
            CorruptFile: files are missing, or their content is not CIFAR's format.
        """
        path = self._found(path)
        with reading(path):
            return _read_npz(path) if path.suffix == ".npz" else self._read(path)

    def _found(self, path: Path) -> Path:
        places = [path / place for place in self.places]
        return next((place for place in places if place.exists()), path)

    def _read(self, path: Path) -> Arrays:
        stems = [*self.train, self.test]
        names = [*stems, *(f"{stem}.bin" for stem in stems)]
        batches = {
            name.removesuffix(".bin"): self._batch(name, content)
            for name, content in members(path, names)
        }
        if missing := [stem for stem in stems if stem not in batches]:
            raise CorruptFile(
                f"Expected the files {', '.join(stems)} in {path}; received none named "
                f"{', '.join(missing)}. Give the data set as it was published."
            )
        return _named([batches[stem] for stem in self.train], batches[self.test])

    def _batch(self, name: str, content: bytes) -> tuple[_Bytes, _Bytes]:
        """Return the rows and the labels of one file."""
        if name.endswith(".bin"):
            records = np.frombuffer(content, dtype=np.uint8)
            records = records.reshape(-1, self.label_bytes + 3072)
            return records[:, self.label_bytes :], records[:, self.label_bytes - 1]
        batch = unpickle(content)
        return batch["data"], _as_bytes(batch[self.labels])


def _named(train: list[tuple[_Bytes, _Bytes]], test: tuple[_Bytes, _Bytes]) -> Arrays:
    rows, labels = zip(*train, strict=True)
    return {
        "train_images": _images(np.concatenate(rows)),
        "train_labels": np.concatenate(labels),
        "test_images": _images(test[0]),
        "test_labels": test[1].copy(),
    }


def _images(rows: _Bytes) -> _Bytes:
    planes = rows.reshape(len(rows), 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def _read_npz(path: Path) -> Arrays:
    """Read arrays under our names, or under those of `keras.datasets`."""
    with path.open("rb") as file:
        held = _arrays.read(file, most=LARGEST)
    arrays = {
        ours: held[ours if ours in held else theirs]
        for ours, theirs in _NPZ_NAMES.items()
    }
    return {
        name: _as_bytes(array.reshape(-1)) if name.endswith("labels") else array
        for name, array in arrays.items()
    }


def _as_bytes(labels: Any) -> _Bytes:
    given = np.asarray(labels)
    converted: _Bytes = given.astype(np.uint8)
    if not np.array_equal(given, converted):
        raise ValueError("labels outside 0 to 255")
    return converted
