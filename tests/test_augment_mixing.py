"""Cutout, MixUp and CutMix against their definitions."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from cifarkit import augment
from strategies import noises


def mixed(kind, images, noise):
    """Apply one augmentation to images whose targets are their places in the batch."""
    targets = np.eye(len(images), dtype="float32")
    results = kind(ops.convert_to_tensor(images), ops.convert_to_tensor(targets), noise)
    return tuple(ops.convert_to_numpy(result) for result in results)


def black_and_white(count, side):
    """Return images that are black and white by turns."""
    shades = np.resize(np.float32([0, 255]), count)
    return np.tile(shades[:, None, None, None], (1, side, side, 3))


@settings(max_examples=20)
@given(noise=noises(4, 2))
def test_cutout_covers_one_square_with_the_mean(noise):
    """A square of 8 x 8, cut at the border, has the mean colour; the rest stays."""
    images = np.random.default_rng(0).uniform(0, 255, (4, 20, 24, 3)).astype("float32")
    result, targets = mixed(augment.cutout(8), images, noise)
    for before, after, (y, x) in zip(images, result, noise, strict=True):
        changed = (before != after).any(axis=2)
        rows, columns = changed.any(axis=1), changed.any(axis=0)
        np.testing.assert_array_equal(changed, rows[:, None] & columns)
        inside = 4 <= y * 20 <= 16 and 4 <= x * 24 <= 20
        assert changed.sum() == 64 if inside else 16 <= changed.sum() <= 64
        mean = np.broadcast_to(before.mean(axis=(0, 1)), before.shape)
        np.testing.assert_allclose(after[changed], mean[changed], atol=1e-3)
    np.testing.assert_array_equal(targets, np.eye(4))


@pytest.mark.parametrize("side", [1, 3, 4])
def test_a_square_has_its_side_even_between_pixels(side):
    """A square centred on a pixel's edge or centre covers side x side pixels."""
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    noise = np.float32([[0.5, 0.5], [0.4375, 0.5625]])
    result = mixed(augment.cutout(side), images, noise)[0]
    changed = (result != images).any(axis=3)
    np.testing.assert_array_equal(changed.sum(axis=(1, 2)), side * side)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 4.0])
def test_mixup_weights_follow_the_beta_distribution(alpha):
    """The distribution function of the other image's weight is off by < 1/1024."""
    noise = np.linspace(0, 0.9999, 3000, dtype="float32")[:, None]
    result, targets = mixed(augment.mixup(alpha), black_and_white(3000, 1), noise)
    own = np.diag(targets).astype(float)
    drawn = scipy.stats.beta(alpha, alpha).cdf(1 - own)
    # The ends hold more probability than float32 weights near 1 can tell apart.
    reliable = (own > 0.001) & (own < 0.999)
    assert np.abs(drawn - noise[:, 0])[reliable].max() < 1 / 1024
    shades = np.where(np.arange(3000) % 2 == 0, 1 - own, own)
    np.testing.assert_allclose(result[:, 0, 0, 0], 255 * shades, atol=0.01)


def test_mixup_is_uniform_and_exact_for_alpha_one():
    """At alpha 1 the other image's weight is the noise itself."""
    noise = np.random.default_rng(0).uniform(0, 1, (50, 1)).astype("float32")
    targets = mixed(augment.mixup(1.0), black_and_white(50, 1), noise)[1]
    np.testing.assert_allclose(np.diag(targets), 1 - noise[:, 0], atol=2e-7)


@settings(max_examples=20)
@given(data=st.data())
def test_cutmix_targets_are_the_shares_of_the_pixels(data):
    """A box of the previous image is pasted; the targets say how much of it."""
    noise = data.draw(noises(6, 3))
    images = black_and_white(6, 12)
    result, targets = mixed(augment.cutmix(1.0), images, noise)
    for place in range(6):
        foreign = (result[place] != images[place]).any(axis=2)
        rows, columns = foreign.any(axis=1), foreign.any(axis=0)
        np.testing.assert_array_equal(foreign, rows[:, None] & columns)
        expected = np.zeros(6)
        expected[place] += 1 - foreign.mean()
        expected[place - 1] += foreign.mean()
        np.testing.assert_allclose(targets[place], expected, atol=1e-6)


def test_a_central_cutmix_box_has_the_drawn_area():
    """Noise of 1/4 at alpha 1 pastes a box of half the side in the middle."""
    noise = np.tile(np.float32([0.25, 0.5, 0.5]), (2, 1))
    result = mixed(augment.cutmix(1.0), black_and_white(2, 8), noise)[0]
    expected = np.zeros((8, 8), "float32")
    expected[2:6, 2:6] = 255
    np.testing.assert_array_equal(result[0, :, :, 0], expected)
    np.testing.assert_array_equal(result[1, :, :, 0], 255 - expected)
