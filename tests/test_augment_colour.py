"""Colour changes against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from keras import ops

from cifarkit import augment
from strategies import batches

GREYISH = np.random.default_rng(0).uniform(100, 150, (2, 4, 5, 3)).astype("float32")


def coloured(kind, images, number):
    """Apply one colour augmentation with the same noise for all images."""
    noise = np.full((len(images), 1), number, "float32")
    return ops.convert_to_numpy(kind(ops.convert_to_tensor(images), None, noise)[0])


def test_brightness_adds_a_fraction_of_the_full_range():
    """0.2 at noise 0.75 adds 0.1 of 255 to every pixel."""
    result = coloured(augment.brightness(0.2), GREYISH, 0.75)
    np.testing.assert_allclose(result, GREYISH + 25.5, atol=1e-3)


def test_contrast_scales_around_the_mean_of_each_channel():
    """0.2 at noise 0 leaves 0.8 of the distance from the channel's mean."""
    mean = GREYISH.mean(axis=(1, 2), keepdims=True)
    result = coloured(augment.contrast(0.2), GREYISH, 0.0)
    np.testing.assert_allclose(result, mean + 0.8 * (GREYISH - mean), atol=1e-3)


@settings(max_examples=20)
@given(batch=batches())
def test_no_saturation_is_grey(batch):
    """A saturation of 1 at noise 0 takes all colour away and keeps the mean."""
    result = coloured(augment.color_jitter(saturation=1.0), batch[0], 0.0)
    mean = np.broadcast_to(batch[0].mean(axis=3, keepdims=True), batch[0].shape)
    np.testing.assert_allclose(result, mean, atol=1e-3)


@pytest.mark.parametrize(("number", "places"), [(5 / 6, 1), (1 / 6, -1)])
def test_a_third_of_a_turn_of_hue_exchanges_the_channels(number, places):
    """Red becomes green, green blue, blue red; or the other way round."""
    result = coloured(augment.color_jitter(hue=0.5), GREYISH, number)
    np.testing.assert_allclose(result, np.roll(GREYISH, places, axis=3), atol=1e-2)


def test_changes_are_made_in_the_documented_order():
    """Brightness is drawn first, hue last."""
    kind = augment.color_jitter(brightness=0.2, contrast=1.0)
    noise = np.array([[0.75, 0.0]] * 2, "float32")
    result = kind(ops.convert_to_tensor(GREYISH), None, noise)[0]
    mean = GREYISH.mean(axis=(1, 2), keepdims=True) + 25.5
    expected = np.broadcast_to(mean, GREYISH.shape)
    np.testing.assert_allclose(ops.convert_to_numpy(result), expected, atol=1e-3)


@pytest.mark.parametrize(("number", "edge"), [(0.0, 0.0), (0.999, 255.0)])
def test_values_stop_at_the_edges_of_the_range(number, edge):
    """The strongest change ends at black or white, not beyond."""
    result = coloured(augment.brightness(1.0), GREYISH, number)
    np.testing.assert_array_equal(result, np.full_like(GREYISH, edge))
