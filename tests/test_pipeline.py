"""`Split.to_tf`: the batches that a Keras model of the user's own gets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarkit._errors import InvalidArgument
from cifarkit.datasets import Split
from strategies import splits

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
SPLIT = Split(IMAGES, np.arange(10), tuple("abcdefghij"), size=4)


def labels(dataset):
    """Return the labels of one epoch, in their order."""
    return [number for _, batch in dataset for number in batch.numpy().tolist()]


def test_batches_hold_all_images_in_order():
    """Without shuffling, the batches are the arrays in pieces."""
    batches = list(SPLIT.to_tf(4).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), IMAGES)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), range(10))
    assert batches[0][0].dtype == np.float32
    assert batches[0][1].dtype == np.int64


def test_scale_divides_by_255():
    """A scale of one is the same pixels in [0, 1]."""
    (images, _) = next(SPLIT.to_tf(10, scale=1).as_numpy_iterator())
    np.testing.assert_allclose(images, IMAGES / 255, rtol=1e-6)


def test_one_hot_labels_have_a_column_per_class():
    """Empty classes have their column too."""
    taken = SPLIT.select([2, 5])
    (_, rows) = next(taken.to_tf(one_hot=True).as_numpy_iterator())
    np.testing.assert_array_equal(rows, np.eye(10)[[2, 5]])
    assert rows.dtype == np.float32


def test_images_are_resized_to_the_size_of_the_split():
    """Sides that differ become a square, and one colour stays that colour."""
    images = np.full((3, 4, 6, 3), 77, np.uint8)
    split = Split(images, np.zeros(3, np.int64), ("gray",), size=9)
    (resized, _) = next(split.to_tf().as_numpy_iterator())
    assert resized.shape == (3, 9, 9, 3)
    np.testing.assert_allclose(resized, 77)


def test_every_epoch_has_another_order_that_the_seed_decides():
    """Two data sets of one seed agree in each epoch; a third of another does not."""
    first, again, other = (
        SPLIT.to_tf(3, shuffle=True, seed=seed) for seed in (1, 1, 2)
    )
    epochs = [labels(first) for _ in range(3)]
    assert epochs == [labels(again) for _ in range(3)]
    assert len({tuple(order) for order in epochs}) == 3
    assert all(sorted(order) == list(range(10)) for order in epochs)
    assert labels(other) != epochs[0]


@settings(max_examples=10)
@given(split=splits(), batch_size=st.integers(1, 300))
def test_no_image_is_lost(split, batch_size):
    """Whatever the sizes, the shuffled labels are the labels."""
    found = labels(split.to_tf(batch_size, shuffle=True))
    assert sorted(found) == sorted(split.labels.tolist())


@pytest.mark.parametrize("change", [{"batch_size": 0}, {"scale": 2}, {"scale": 0}])
def test_arguments_out_of_range_are_refused(change):
    """Empty batches and unknown scales are refused."""
    with pytest.raises(InvalidArgument, match=next(iter(change))):
        SPLIT.to_tf(**change)
