"""The layouts of arrays that `from_arrays` reads, and those that it refuses."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit.datasets import from_arrays, split_of
from strategies import splits

N = 12
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (N, 4, 5, 3), dtype=np.uint8)
LABELS = np.arange(N) % 3


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", ">i4", "i8", "u8", "f4", ">f8"])
def test_images_of_any_type_become_bytes(dtype):
    """Whole numbers survive whatever type held them."""
    split = split_of(IMAGES.astype(dtype), LABELS)
    np.testing.assert_array_equal(split.images, IMAGES)


def test_half_precision_holds_every_byte():
    """A float16 array of bytes is exact too."""
    split = split_of(IMAGES.astype(np.float16), LABELS)
    np.testing.assert_array_equal(split.images, IMAGES)


def test_fractions_are_rounded_to_the_nearest():
    """A resized image in floats is off by half a level at most."""
    for change in (-0.4, 0.4):
        split = split_of(np.clip(IMAGES + change, 0, 255), LABELS)
        np.testing.assert_array_equal(split.images, IMAGES)


@pytest.mark.parametrize("shape", [(N, 4, 5), (N, 4, 5, 1)])
def test_gray_images_become_rgb(shape):
    """Both layouts of gray give three equal channels."""
    gray = IMAGES[..., 0]
    split = split_of(gray.reshape(shape), LABELS)
    np.testing.assert_array_equal(split.images, np.stack([gray] * 3, axis=-1))


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (IMAGES / 255, "Multiply them by 255"),
        (np.where(IMAGES > 100, np.nan, IMAGES), "none missing"),
        (np.where(IMAGES > 100, np.inf, IMAGES), r"\[0, 255\]"),
        (IMAGES - 1.0, r"\[0, 255\]"),
        (IMAGES.astype(np.uint16) * 2, r"\[0, 255\]"),
        (IMAGES > 100, "received bool"),
        (IMAGES.astype(complex), "received complex"),
        (IMAGES.astype(object), "received object"),
        (IMAGES[0], "Expected images of shape|one per image"),
        (IMAGES.transpose(0, 3, 1, 2), "channels last"),
        (np.zeros((N, 4, 5, 4), np.uint8), "transparent"),
        (IMAGES[:0], "none of them 0"),
        (IMAGES[:5], "one per image"),
    ],
)
def test_images_that_would_be_misread_are_refused(images, text):
    """Scale, range, type and shape are never guessed at."""
    with pytest.raises(InvalidData, match=text):
        split_of(images, LABELS)


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_labels_of_any_type_become_int64(dtype, shape):
    """Class numbers survive whatever type held them."""
    split = split_of(IMAGES, LABELS.astype(dtype).reshape(shape))
    assert split.labels.dtype == np.int64
    assert split.labels.tolist() == LABELS.tolist()
    assert split.class_names == ("0", "1", "2")


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_one_hot_labels_are_read(dtype):
    """The column of the one is the class, and empty columns are classes."""
    split = split_of(IMAGES, np.eye(4)[LABELS].astype(dtype))
    assert split.labels.tolist() == LABELS.tolist()
    assert split.class_names == ("0", "1", "2", "3")


TEXTS = [object, getattr(np.dtypes, "StringDType", lambda: object)()]  # of NumPy 2


@pytest.mark.parametrize(
    "convert", [list, np.array, *(partial(np.array, dtype=kind) for kind in TEXTS)]
)
def test_names_as_labels_are_sorted(convert):
    """Text is numbered in alphabetical order, or in the order that is given."""
    words = list("lkjihgfedcaa")
    split = split_of(IMAGES, convert(words))
    assert split.class_names == tuple("acdefghijkl")
    assert [split.class_names[label] for label in split.labels] == words
    ordered = split_of(IMAGES, convert(words), class_names=words[:-1])
    assert ordered.labels.tolist() == [*range(11), 10]


@pytest.mark.parametrize(
    ("labels", "names", "text"),
    [
        (LABELS - 1, None, "received -1 to 1"),
        (LABELS * 2, None, "received 0 to 4"),
        (LABELS, ["cat", "dog"], "received 0 to 2"),
        (LABELS + 0.5, None, "whole numbers"),
        (np.where(LABELS > 1, np.nan, LABELS), None, "whole numbers"),
        (np.full(N, 2**63, np.uint64), None, "whole numbers"),
        (LABELS.astype(bool), None, "whole numbers"),
        (LABELS[:5], None, "one per image"),
        (np.eye(3)[LABELS] / 2, None, "one-hot"),
        (np.ones((N, 3)), None, "one-hot"),
        (np.zeros((N, 3)), None, "one-hot"),
        (np.eye(3)[LABELS], ["cat", "dog"], "3 class names"),
        (np.zeros((N, 2, 2)), None, "whole numbers"),
        (["cat"] * N, ["dog"], "received 'cat'"),
        (np.array(["cat", 1] * 6, object), None, "all text"),
        (np.array([["cat", "dog"]] * N), None, "one dimension"),
    ],
)
def test_labels_that_would_be_misread_are_refused(labels, names, text):
    """Numbers, rows and names outside what was promised are never bent."""
    with pytest.raises(InvalidData, match=text):
        split_of(IMAGES, labels, class_names=names)


def test_the_size_is_the_longer_side_unless_given():
    """A network sees the images at their native size by default."""
    assert split_of(IMAGES, LABELS).size == 5
    assert split_of(IMAGES, LABELS, size=96).size == 96


def test_from_arrays_divides_by_fractions():
    """A quarter of each class is a quarter of each class."""
    parts = from_arrays(IMAGES, LABELS, validation=0.25, test=0.25, size=8)
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [6, 3, 3]
    assert sorted(parts.test.labels) == [0, 1, 2]
    assert parts.source == "arrays"


def test_from_arrays_takes_a_test_set():
    """Images kept for testing are numbered by the same names, and none is lost."""
    words = np.array(["dog", "cat", "ant"])[LABELS]
    parts = from_arrays(
        IMAGES, words, validation=0.25, test=(IMAGES[:2], ["cat", "ant"]), size=8
    )
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [9, 3, 2]
    assert parts.test.labels.tolist() == [1, 0]
    with pytest.raises(InvalidData, match="received 'cow'"):
        from_arrays(IMAGES, words, test=(IMAGES[:1], ["cow"]))


def test_from_arrays_refuses_a_number_of_images():
    """5000 is not a fraction."""
    with pytest.raises(InvalidArgument, match=r"validation=0\.1"):
        from_arrays(IMAGES, LABELS, validation=5000)


@given(split=splits(fewest=3), seed=st.integers(0, 100))
def test_what_is_divided_is_what_came_in(split, seed):
    """No pixel and no label is lost or changed by `from_arrays`."""
    parts = from_arrays(
        split.images, split.labels, class_names=split.class_names, seed=seed
    )
    for part in (parts.train, parts.validation, parts.test):
        found = part.images[:, 1, 2, 0]
        np.testing.assert_array_equal(part.images, split.images[found])
        np.testing.assert_array_equal(part.labels, split.labels[found])
    assert len(parts.train) + len(parts.validation) + len(parts.test) == len(split)


def test_images_of_different_shapes_are_refused():
    """Before NumPy complains in its own words."""
    ragged = [np.zeros((8, 8, 3), np.uint8), np.zeros((9, 9, 3), np.uint8)]
    with pytest.raises(InvalidData, match="one size"):
        from_arrays(ragged, [0, 1])


def test_a_test_set_is_a_pair():
    """Three things are none."""
    images = np.zeros((4, 8, 8, 3), np.uint8)
    with pytest.raises(InvalidArgument, match="pair"):
        from_arrays(images, [0, 1, 0, 1], test=(images, [0], [0]))
