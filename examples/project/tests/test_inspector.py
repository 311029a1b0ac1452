"""The whole package, on photographs that are drawn here and a network that is small."""

import keras
import numpy as np
import pytest
from PIL import Image

from cifarkit import backbones
from inspector import Sorter, Verdict, learn
from inspector.command import main
from inspector.speckles import Speckles


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Return a folder of bright, good parts and of dark, bad ones."""
    folder, random = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for name, low, high, count in (("bad", 0, 100, 30), ("good", 150, 256, 20)):
        (folder / name).mkdir()
        for number in range(count):
            pixels = random.integers(low, high, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def model(photographs, tmp_path_factory):
    """Return the folder of a model that learned from them."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
        ],
        name="small",
    )
    out = tmp_path_factory.mktemp("model") / "model"
    backbone = backbones.wrap(network, preprocess="unit")
    assert learn(photographs, out, backbone=backbone, size=32, epochs=40).accuracy > 0.9
    return out


def test_clear_cases_need_no_person(model, photographs):
    """A bright part is good and a dark one bad, by a large margin or not at all."""
    sorter = Sorter(model, sure=0.5)
    assert sorter(photographs / "good" / "0.png").part == "good"
    assert sorter(photographs / "bad" / "0.png").part == "bad"


def test_doubtful_cases_do(model, photographs):
    """Where nothing is sure enough, a person is asked."""
    verdict = Sorter(model, sure=1.1)(photographs / "good" / "0.png")
    assert not verdict.certain
    assert str(verdict) == "ask a person"
    assert str(Verdict("good", 0.97, certain=True)) == "good (97%)"


def test_speckles_are_black_and_few():
    """Some pixels are black, the others as before, and the same noise does the same."""
    images = np.full((2, 32, 32, 3), 200, np.float32)
    speckles = Speckles(0.02)
    noise = np.random.default_rng(0).random((2, speckles.draws), np.float32)
    changed, _ = speckles(images, None, noise)
    black = (np.asarray(changed) == 0).mean()
    assert 0 < black < 0.1
    assert ((np.asarray(changed) == 0) | (np.asarray(changed) == 200)).all()


def test_the_command_sorts(model, photographs, capsys):
    """A line for each photograph."""
    file = str(photographs / "bad" / "1.png")
    assert main(["sort", str(model), file, "--sure", "0.5"]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: bad")


def test_a_folder_that_is_none_is_said_in_one_line(tmp_path, capsys):
    """Cifarkit's own words reach the user."""
    assert main(["learn", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith("inspector: Expected")
