"""Numbers mean the same wherever they are given: NumPy's too, truth values never."""

from fractions import Fraction

import numpy as np
import pytest

from cifarkit import Phase, augment, backbones, datasets, heads, models
from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_number, is_whole
from cifarkit.activations import Cache

WHOLE = np.int64(16)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_whole_numbers(value):
    """Those of Python and of NumPy."""
    assert is_whole(value, least=3)
    assert is_number(value)
    assert not is_whole(value, least=4)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, Fraction(3)])
def test_what_is_no_whole_number(value):
    """A truth value is none, whoever made it."""
    assert not is_whole(value)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(-1), np.float16(2)])
def test_numbers(value):
    """Floats of every width."""
    assert is_number(value)


BAD = [True, np.inf, np.float32("nan"), Fraction(1, 2), 1j, "1", None]


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_number(value):
    """Nothing that is not finite, and nothing that JSON could not hold."""
    assert not is_number(value)


def test_numpys_whole_numbers_are_taken_wherever_ours_are():
    """A grid over `np.array([96, 160])` hands them in; what they make is the same."""
    assert heads.classifier(hidden=(WHOLE,)) == heads.classifier(hidden=(16,))
    assert str(augment.crop(WHOLE)) == str(augment.crop(16))
    assert str(augment.cutout(WHOLE)) == str(augment.cutout(16))
    assert type(Cache(views=WHOLE).views) is int
    trunk = backbones.get("mobilenetv2", weights=None, size=np.int64(64))
    assert type(trunk.size) is int
    assert trunk.build(np.int64(64)).input_shape == (None, 64, 64, 3)
    assert models.cnn("s0-cnn", classes=np.int64(3), size=WHOLE).output_shape[1] == 3
    head = heads.classifier().build((2, 2, 8), np.int64(3), seed=0)
    assert head.output_shape == (None, 3)
    assert len(datasets.synthetic(50).train.take(np.uint64(9))) == 9


@pytest.mark.parametrize("share", [0.0, 0.9999])
def test_the_end_of_an_open_range_is_as_near_as_can_be(share):
    """Below 1 is below 1, in a phase as in a head."""
    assert Phase(label_smoothing=share).label_smoothing == share
    assert heads.classifier(dropout=share).dropout == share
    for made in (lambda: Phase(label_smoothing=1), lambda: heads.classifier(dropout=1)):
        with pytest.raises(InvalidArgument, match="at least 0 and below 1; received 1"):
            made()


def test_a_fraction_of_a_class_is_refused():
    """Five of them as a float would become fractions as labels."""
    for options in ({"classes": 5.0}, {"n": 50.0}):
        with pytest.raises(InvalidArgument, match="in whole numbers"):
            datasets.synthetic(**{"n": 50, "classes": 5} | options)


def test_numpys_floats_are_taken_wherever_ours_are():
    """And become Python's: Keras refuses others, and records show them otherwise."""
    half, tenth = np.float32(0.5), np.float32(0.1)
    head = heads.classifier(dropout=half, input_dropout=half, l2=tenth)
    kinds = {type(each) for each in (head.dropout, head.input_dropout, head.l2)}
    assert kinds == {float}
    head.build((2, 2, 4), 3, seed=0)
    made = (
        *(augment.shift(tenth), augment.rotation(tenth), augment.zoom(tenth)),
        *(augment.brightness(tenth), augment.contrast(tenth), augment.mixup(half)),
        *(augment.cutmix(half), augment.color_jitter(hue=tenth, saturation=half)),
    )
    assert "float32" not in repr(made)


def test_truth_values_are_no_numbers_of_images():
    """`validation=True` is a slip, not one image."""
    with pytest.raises(InvalidArgument, match="validation"):
        datasets.cifar10(validation=True)


def test_a_fraction_is_refused_in_one_sentence():
    """Neither Keras nor JSON could take it."""
    with pytest.raises(InvalidArgument, match="learning_rate"):
        Phase(learning_rate=Fraction(1, 1000))
