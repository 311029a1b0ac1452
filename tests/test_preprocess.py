"""What stands before the first layer of a network."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.applications import densenet, mobilenet_v2, resnet

from cifarkit._errors import UnknownName
from cifarkit._types import Floats
from cifarkit.backbones import _preprocess

MODES = ("raw", "unit", "tf", "torch", "caffe", "lite")
EXPECTED = {
    "raw": lambda images: images,
    "unit": lambda images: images / 255,
    "tf": mobilenet_v2.preprocess_input,
    "torch": densenet.preprocess_input,
    "caffe": resnet.preprocess_input,
    "lite": lambda images: (images - 127) / 128,
}


def model(mode: str) -> keras.Model:
    """Return a model that does nothing but preprocessing."""
    image = keras.Input((None, None, 3))
    return keras.Model(image, _preprocess.apply(image, mode))


MODELS = {mode: model(mode) for mode in MODES}


def convert(mode: str, images: Floats) -> Floats:
    """Return the images as a mode gives them."""
    return np.array(MODELS[mode](images))


@pytest.mark.parametrize("mode", MODES)
@given(seed=st.integers(0, 2**32 - 1), side=st.integers(1, 5))
def test_a_mode_gives_what_keras_gives(mode: str, seed: int, side: int) -> None:
    """Our layers equal the functions of keras.applications on any image."""
    pixels = np.random.default_rng(seed).integers(0, 256, (2, side, side, 3))
    images = pixels.astype(np.float32)
    expected = EXPECTED[mode](images.copy())
    assert np.allclose(convert(mode, images), expected, rtol=1e-5, atol=1e-4)


def test_caffe_is_exact_in_its_channels() -> None:
    """Red comes last, and nothing of the other channels leaks into it."""
    red = np.array([[[[255.0, 0.0, 0.0]]]], np.float32)
    mean = np.array([103.939, 116.779, 123.68], np.float32)
    assert np.array_equal(
        convert("caffe", red)[0, 0, 0], np.float32([0, 0, 255]) - mean
    )


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_mode_is_one_frozen_named_layer(mode: str) -> None:
    """It shows in the summary, holds nothing to train, and is a layer of Keras."""
    [_, layer] = MODELS[mode].layers
    assert layer.name == f"preprocess_{mode}"
    assert _preprocess.is_preprocessing(layer)
    assert MODELS[mode].trainable_weights == []


def test_half_precision_does_not_reach_the_preprocessing() -> None:
    """Pixels are converted in float32 under any policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        dtypes = {mode: model(mode).output.dtype for mode in MODES}
    finally:
        keras.config.set_dtype_policy(before)
    assert set(dtypes.values()) == {"float32"}


@pytest.mark.parametrize("mode", ["tensorflow", "auto", "", None])
def test_an_unknown_mode_is_refused(mode: str) -> None:
    """The error names the modes or the nearest of them."""
    with pytest.raises(UnknownName, match="Unknown preprocess mode"):
        _preprocess.apply(keras.Input((8, 8, 3)), mode)
