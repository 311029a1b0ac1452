"""Made-up images: their form, their seed, and that they can be learnt."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from cifarkit._errors import InvalidArgument
from cifarkit.datasets import synthetic


@pytest.mark.parametrize(("size", "side"), [(16, 16), (32, 32), (96, 32), (3, 3)])
def test_images_are_small_whatever_the_size(size, side):
    """They are drawn at 32 pixels or less, and shown at the size asked for."""
    parts = synthetic(60, size=size, classes=3)
    assert parts.train.images.shape == (36, side, side, 3)
    assert len(parts.validation) == len(parts.test) == 12
    assert parts.train.size == size
    assert parts.source == "synthetic"


def test_the_seed_decides_the_images():
    """One seed, one set of images."""
    digests = [synthetic(50, seed=seed).train.digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("classes", [2, 10])
def test_they_can_be_learnt_and_not_by_chance(classes):
    """A simple model of the training images is right about most test images."""
    parts = synthetic(200, classes=classes)
    flat = [part.images.mean(axis=(1, 2)) for part in (parts.train, parts.test)]
    model = NearestCentroid().fit(flat[0], parts.train.labels)
    assert model.score(flat[1], parts.test.labels) > 0.8
    assert np.bincount(parts.train.labels).tolist() == [120 // classes] * classes


@pytest.mark.parametrize(
    ("n", "change"), [(9, {"classes": 2}), (50, {"classes": 1}), (50, {"size": 0})]
)
def test_too_few_images_or_classes_are_refused(n, change):
    """Every class must reach every part."""
    with pytest.raises(InvalidArgument, match="Expected"):
        synthetic(n, **change)
