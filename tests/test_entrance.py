"""At which size a model sees its images: what is shrunk before must not be missed."""

import keras
import numpy as np
import pytest
from keras import layers

from cifarkit._errors import InvalidArgument
from cifarkit.prediction import Predictor


def network(*before, after=(), side=None):
    """Return a network that resizes, and what stands before and after that."""
    seed = keras.initializers.GlorotUniform(1)
    image = keras.Input((side, side, 3))
    maps = image
    for layer in before:
        maps = layer(maps)
    maps = layers.Resizing(8, 6)(maps)
    for layer in after:
        maps = layer(maps)
    maps = layers.Flatten()(maps)
    maps = layers.Rescaling(1 / 255)(maps)
    return keras.Model(image, layers.Dense(3, "softmax", kernel_initializer=seed)(maps))


@pytest.mark.parametrize(
    "before",
    [
        (),
        (layers.Rescaling(1 / 2),),
        (layers.RandomFlip(), layers.Normalization(mean=[1, 2, 3], variance=[1, 4, 9])),
        (lambda image: image / 2.0 - 1.0,),
    ],
)
def test_what_changes_pixels_one_by_one_may_stand_before_the_resize(before):
    """Images may be shrunk to that size first; the answer is the model's."""
    model = network(*before)
    predictor = Predictor(model)
    assert predictor.size == (8, 6)
    image = np.random.default_rng(0).integers(0, 256, (8, 6, 3)).astype(np.uint8)
    (row,) = predictor.probabilities([predictor.prepared(image)])
    expected = model.predict(image[None].astype("float32"), verbose=0)
    np.testing.assert_allclose(row, expected[0], atol=1e-6)


@pytest.mark.parametrize(
    "before",
    [
        (layers.Conv2D(2, 3, padding="same"),),
        (layers.MaxPooling2D(),),
        (layers.Rescaling(1 / 2), layers.GaussianNoise(0.1), layers.Conv2D(2, 1)),
    ],
)
def test_a_resize_of_feature_maps_is_none_of_images(before):
    """What looks at neighbours would see other ones if the image came smaller."""
    with pytest.raises(InvalidArgument, match="before all else"):
        Predictor(network(*before))


@pytest.mark.parametrize("longer", [0, 3])
def test_a_second_way_around_the_resize_is_seen(longer):
    """What the other way looks at would be shrunk away, whichever is the longer."""
    image = keras.Input((None, None, 3))
    small = layers.Flatten()(layers.Resizing(4, 4)(image))
    whole = image
    for _ in range(longer):
        whole = layers.Conv2D(2, 1)(whole)
    whole = layers.GlobalMaxPooling2D()(whole)
    rows = layers.Dense(2, "softmax")(layers.Concatenate()([small, whole]))
    with pytest.raises(InvalidArgument, match="before all else"):
        Predictor(keras.Model(image, rows))


def test_a_sequential_model_is_looked_into_too():
    """It is a graph like any other."""
    head = [layers.Resizing(8, 6), layers.Flatten(), layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((None, None, 3)), *head])
    assert Predictor(model).size == (8, 6)


def test_one_open_side_is_refused():
    """An image of another height alone would not fit."""
    image = keras.Input((16, None, 3))
    maps = layers.Flatten()(layers.Resizing(4, 4)(image))
    model = keras.Model(image, layers.Dense(2, "softmax")(maps))
    with pytest.raises(InvalidArgument, match="both known or both open"):
        Predictor(model)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_probabilities_of_fewer_bits_are_float32(policy):
    """A network of the user's own may end in them."""
    image = keras.Input((8, 8, 3))
    maps = layers.Flatten()(image)
    rows = layers.Dense(3, "softmax", dtype=policy)(maps / 255.0)
    predictor = Predictor(keras.Model(image, rows))
    answer = predictor(np.full((8, 8, 3), 9, np.uint8))
    assert sum(answer.probabilities.values()) == pytest.approx(1.0, abs=0.02)
