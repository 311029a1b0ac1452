"""Affine maps against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from cifarkit import augment
from cifarkit.augment.sampling import sample
from strategies import batches, noises

ELSEWHERE = {"reflect": "symmetric", "constant": "constant", "nearest": "edge"}
IN_SCIPY = {"reflect": "reflect", "constant": "grid-constant", "nearest": "nearest"}
few = settings(max_examples=20)
any_fill = pytest.mark.parametrize("fill", ELSEWHERE)


def moved(kind, images, *numbers):
    """Apply one augmentation with the same noise for all images."""
    noise = np.tile(np.array(numbers, "float32"), (len(images), 1))
    return ops.convert_to_numpy(kind(ops.convert_to_tensor(images), None, noise)[0])


@few
@given(batch=batches())
def test_flip_mirrors_exactly_and_twice_is_nothing(batch):
    """The mirrored image has the pixels of the image, unblurred."""
    images = batch[0]
    mirrored = moved(augment.flip(), images, 0.49)
    np.testing.assert_array_equal(mirrored, images[:, :, ::-1])
    np.testing.assert_array_equal(moved(augment.flip(), mirrored, 0.0), images)


@any_fill
@few
@given(batch=batches(), row=st.integers(0, 4), column=st.integers(0, 4))
def test_crop_is_a_window_of_the_padded_image(fill, batch, row, column):
    """Every one of the (2 padding + 1)^2 windows is there, pixel for pixel."""
    images, padding = batch[0], 2
    _, height, width, _ = images.shape
    sides = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    padded = np.pad(images, sides, mode=ELSEWHERE[fill])
    window = padded[:, row : row + height, column : column + width]
    # More noise moves the image right and down, so the window left and up.
    numbers = (4 - column + 0.5) / 5, (4 - row + 0.5) / 5
    result = moved(augment.crop(padding, fill=fill), images, *numbers)
    np.testing.assert_array_equal(result, window)


def test_crop_stays_within_its_padding_at_the_largest_noise():
    """The largest float below 1 gives the longest move, not one pixel more."""
    images = np.random.default_rng(0).uniform(0, 255, (1, 5, 5, 3)).astype("float32")
    largest = np.nextafter(np.float32(1), np.float32(0))
    result = moved(augment.crop(2, fill="constant"), images, largest, largest)
    np.testing.assert_array_equal(result[:, 2:, 2:], images[:, :3, :3])


@any_fill
@few
@given(data=st.data())
def test_sampling_agrees_with_scipy(fill, data):
    """Any affine map gives what `scipy.ndimage.affine_transform` gives."""
    images = data.draw(batches())[0]
    rows = st.lists(st.floats(-2, 2, width=32), min_size=6, max_size=6)
    matrix = np.vstack([np.reshape(data.draw(rows), (2, 3)), [0, 0, 1]])
    inverse = np.tile(matrix.astype("float32"), (len(images), 1, 1))
    result = sample(ops.convert_to_tensor(images), inverse, fill, whole=False)
    height, width = images.shape[1:3]
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    linear = matrix[1::-1, 1::-1]  # SciPy counts y first
    offset = centre - linear @ centre + matrix[1::-1, 2]
    expected = [
        scipy.ndimage.affine_transform(
            image[..., channel], linear, offset, order=1, mode=IN_SCIPY[fill]
        )
        for image in images
        for channel in range(3)
    ]
    expected = np.reshape(expected, (-1, 3, height, width)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(result), expected, atol=0.05)


def test_a_quarter_turn_is_counter_clockwise():
    """Noise above 0.5 turns to the left, and a fraction of 0.5 is half a turn."""
    images = np.random.default_rng(0).uniform(0, 255, (2, 6, 6, 3)).astype("float32")
    turned = moved(augment.rotation(0.5), images, 0.75)
    np.testing.assert_allclose(turned, np.rot90(images, axes=(1, 2)), atol=0.01)


def test_shift_is_a_fraction_of_the_side_right_and_down():
    """Half of `fraction=0.5` of 8 columns and 4 rows is 2 columns and 1 row."""
    images = np.random.default_rng(0).uniform(0, 255, (2, 4, 8, 3)).astype("float32")
    result = moved(augment.shift(0.5, fill="constant"), images, 0.75, 0.75)
    np.testing.assert_array_equal(result[:, 1:, 2:], images[:, :-1, :-2])
    assert not result[:, :1].any()
    assert not result[:, :, :2].any()


def test_zoom_out_shows_the_outside():
    """Noise above 0.5 zooms out (black comes in); below 0.5 zooms in."""
    images = np.full((1, 8, 8, 3), 200, "float32")
    out = moved(augment.zoom(0.5, fill="constant"), images, 0.999)
    into = moved(augment.zoom(0.5, fill="constant"), images, 0.0)
    assert not out[:, 0].any()
    np.testing.assert_allclose(into, images, rtol=1e-6)


@few
@given(data=st.data())
def test_joined_moves_are_the_moves_in_order(data):
    """Where moving loses no pixel, one joined step gives what single steps give."""
    images, targets = data.draw(batches())
    items = [augment.flip(), augment.crop(2), augment.flip()]
    noise = data.draw(noises(len(images), 4))
    policy = augment.compose(items)
    joined = policy(ops.convert_to_tensor(images), targets, noise)[0]
    one_by_one = ops.convert_to_tensor(images)
    for item, start in zip(items, (0, 1, 3), strict=True):
        numbers = noise[:, start : start + item.draws]
        one_by_one = item(one_by_one, targets, numbers)[0]
    assert len(policy.items) == 1
    np.testing.assert_array_equal(
        ops.convert_to_numpy(joined), ops.convert_to_numpy(one_by_one)
    )


def test_a_turn_then_a_shift_is_not_a_shift_then_a_turn():
    """The order of joined moves counts: the first named is the first made."""
    images = np.zeros((1, 9, 9, 3), "float32")
    images[0, 4, 4] = 255
    turn = augment.rotation(0.5, fill="constant")
    move = augment.shift(0.5, fill="constant")
    numbers = 0.75, 0.5 + 2 / 9, 0.5
    after = moved(augment.compose([turn, move]).items[0], images, *numbers)
    before = moved(augment.compose([move, turn]).items[0], images, *numbers[1:], 0.75)
    assert after[0, 4, 6, 0] == pytest.approx(255, abs=0.1)  # turned in place, moved
    assert before[0, 2, 4, 0] == pytest.approx(255, abs=0.1)  # moved right, turned up
