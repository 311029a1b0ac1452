"""Near twins between two sets, and that nothing but `evaluate` sees the test images."""

import keras
import numpy as np
import pytest

from cifarkit import (
    Phase,
    TwoPhaseTrainer,
    backbones,
    datasets,
    evaluate,
    heads,
    probe,
    recipes,
)
from cifarkit._errors import InvalidArgument, InvalidData, UnknownName
from cifarkit.doctoring import Twin, twins


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))


def colours():
    """Return a backbone whose features are the mean red, green and blue."""
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.AveragePooling2D(4)], name="colours"
    )
    return backbones.wrap(model, preprocess="unit")


def painted(*hues):
    """Return one image of each hue, with a little noise."""
    noise = np.random.default_rng(0).integers(0, 9, (len(hues), 16, 16, 3))
    return (np.array(hues)[:, None, None] + noise).astype(np.uint8)


def test_the_nearest_of_the_first_set_is_found():
    """Each with its place in both sets, the nearest first; others are left out."""
    first = painted((200, 10, 10), (10, 200, 10), (10, 10, 200))
    second = painted((120, 120, 0), (20, 190, 15), (198, 12, 11))
    found = twins(first, second, backbone=colours(), size=16, least=0.99)
    assert [(each.first, each.second) for each in found] == [(0, 2), (1, 1)]
    assert all(0.99 <= each.similarity <= 1 for each in found)
    assert found == tuple(sorted(found, reverse=True))
    assert isinstance(found[0], Twin)
    assert twins(first, second[:1], backbone=colours(), size=16, least=0.99) == ()


def test_equal_images_are_twins_whatever_rounding_says():
    """The strictest demand finds exact copies."""
    images = painted((200, 10, 10), (13, 201, 77), (99, 98, 97))
    found = twins(images, images, backbone=colours(), size=16, least=1.0)
    assert sorted((each.first, each.second) for each in found) == [
        *((0, 0), (1, 1), (2, 2))
    ]


def test_many_images_are_compared_in_parts():
    """A part's end neither loses nor swaps an image."""
    random = np.random.default_rng(1)
    hues = random.integers(0, 240, (1100, 3))
    images = painted(*hues)
    order = random.permutation(1100)
    found = twins(images, images[order], backbone=colours(), size=16, least=0.999)
    assert len(found) == 1100
    same = [np.array_equal(images[t.first], images[order][t.second]) for t in found]
    close = [np.abs(hues[t.first] - hues[order][t.second]).max() < 60 for t in found]
    assert np.mean(same) > 0.9  # others of the same hue may be as near
    assert all(close)


@pytest.mark.parametrize("least", [0.0, 1.5, -1.0])
def test_wrong_settings_are_refused(least):
    """A cosine out of range, images of two sizes, an unknown network."""
    images = painted((1, 2, 3))
    with pytest.raises(InvalidArgument, match="least"):
        twins(images, images, backbone=colours(), size=16, least=least)
    with pytest.raises(InvalidArgument, match="one size"):
        twins(images, images[:, :8], backbone=colours(), size=16)
    for wrong in (images[:0], images / 255.0, list(images)):
        for pair in ((wrong, images), (images, wrong)):
            with pytest.raises(InvalidData, match="image"):
                twins(*pair, backbone=colours(), size=16)
    with pytest.raises(UnknownName):
        twins(images, images, backbone="mobilenet")


class Forbidden:
    """Images that must not be looked at."""

    def __getattribute__(self, name):
        raise AssertionError(f"the test images were looked at: {name}")

    def __len__(self):
        raise AssertionError("the test images were counted")

    def __getitem__(self, key):
        raise AssertionError("the test images were read")


def test_nothing_but_evaluate_sees_the_test_images():
    """Plans, fits, probes and recipes work where the test images cannot be touched."""
    data = datasets.synthetic(n=60, size=16, classes=3)
    object.__setattr__(data.test, "images", Forbidden())
    object.__setattr__(data.test, "labels", Forbidden())
    backbone = backbones.wrap(
        keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3)]),
        preprocess="unit",
    )
    probe(data, backbones=(backbone,), sizes=(16,))
    recipes.get("s2-m1").limited(epochs=1).trainer(data).fit(data)
    trainer = TwoPhaseTrainer(
        backbone,
        heads.linear(),
        phase_1=Phase(patience=1),
        phase_2=Phase(unfreeze="all"),
        verbose=0,
    )
    str(trainer.plan(data, timed=True))
    result = trainer.fit(data)
    assert len(result.phases) == 2
    with pytest.raises(AssertionError, match="test images"):
        evaluate(result.model, data.test)
