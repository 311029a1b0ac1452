"""Temperatures: found where they were planted, and stored in the model itself."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from cifarkit import calibration, heads, metrics, models
from cifarkit._errors import InvalidArgument, InvalidData

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype("uint8")


@given(st.floats(0.2, 5.0), st.integers(0, 2**31))
def test_a_planted_temperature_is_found(planted, seed):
    """Labels drawn from softmax(z), probabilities softmax(planted z): it is planted."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (4000, 5))
    rows = softmax(logits, axis=1)
    labels = (rows.cumsum(axis=1) < random.random((4000, 1))).sum(axis=1).clip(max=4)
    found = calibration.temperature(labels, softmax(planted * logits, axis=1))
    assert found == pytest.approx(planted, rel=0.12)


def test_a_temperature_makes_probabilities_honest():
    """The calibration error falls, the classes stay."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (4000, 5))
    rows = softmax(logits, axis=1)
    labels = (rows.cumsum(axis=1) < random.random((4000, 1))).sum(axis=1).clip(max=4)
    sure = softmax(3 * logits, axis=1)
    found = calibration.temperature(labels, sure)
    honest = softmax(np.log(sure) / found, axis=1)
    before, after = (metrics.calibration_error(labels, each) for each in (sure, honest))
    assert after < 0.02 < 0.1 < before
    np.testing.assert_array_equal(sure.argmax(axis=1), honest.argmax(axis=1))


def test_very_sure_mistakes_count_as_they_are():
    """Log odds of 40, nine of ten right: the temperature is 40 / log(9)."""
    rows = softmax(np.tile([40.0, 0.0], (100, 1)), axis=1)
    found = calibration.temperature(np.repeat([0, 1], (90, 10)), rows)
    assert found == pytest.approx(40 / np.log(9), rel=1e-3)


def test_a_temperature_at_the_end_of_its_range_is_warned_of():
    """Of answers that say nothing none is flat enough; the last one is returned."""
    random = np.random.default_rng(0)
    rows = softmax(3 * random.normal(size=(200, 4)), axis=1)
    with pytest.warns(UserWarning, match="No temperature from"):
        found = calibration.temperature(3 - rows.argmax(axis=1), rows)
    assert found == pytest.approx(20, rel=0.01)


def assembled():
    """Return a nested model of a backbone and a head."""
    image = keras.Input((16, 16, 3))
    unit = keras.layers.Rescaling(1 / 255)(image)  # else a probability may be 0
    body = keras.Model(image, keras.layers.Conv2D(4, 3, strides=4)(unit), name="body")
    head = heads.classifier().build((4, 4, 4), 10, seed=0)
    return models.assemble(body, head)


@pytest.mark.parametrize(
    "build", [assembled, lambda: models.cnn("s2-m1"), lambda: models.cnn("ours-cnn")]
)
def test_a_scaled_model_divides_its_logits(build, tmp_path):
    """It gives softmax(log p / T), after saving too; the given model stays."""
    model = build()
    for weight in model.weights:  # a bias of 0 would be divided by anything
        if weight.path.endswith("predictions/bias"):
            weight.assign(np.linspace(-1, 1, weight.shape[0]))
    before = model.predict(IMAGES, verbose=0)
    calibrated = calibration.scaled(model, 2.5)
    expected = softmax(np.log(before.astype(np.float64)) / 2.5, axis=1)
    np.testing.assert_allclose(calibrated.predict(IMAGES, verbose=0), expected, 1e-4)
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), before)
    calibrated.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(IMAGES, verbose=0), expected, rtol=1e-4)


def test_models_that_end_otherwise_are_refused():
    """A sigmoid, logits without a softmax, a layer in between."""
    image = keras.Input((4,))
    dense, softmax_ = keras.layers.Dense(3), keras.layers.Softmax()
    for output in (
        keras.layers.Dense(3, "sigmoid")(image),
        dense(image),
        softmax_(keras.layers.ReLU()(dense(image))),
        softmax_(keras.layers.Rescaling(1.0, offset=1.0)(dense(image))),
        softmax_(keras.layers.Dense(3, "softmax")(image)),
    ):
        with pytest.raises(InvalidArgument, match="softmax"):
            calibration.scaled(keras.Model(image, output), 2.0)


def test_probabilities_are_rescaled_as_logits_are():
    """softmax(z) at a temperature is softmax(z / temperature); sure stays sure."""
    logits = np.random.default_rng(0).normal(0, 3, (50, 4))
    found = calibration.rescaled(softmax(logits, axis=1), 1.7)
    np.testing.assert_allclose(found, softmax(logits / 1.7, axis=1), rtol=1e-9)
    sure = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(calibration.rescaled(sure, 0.3), sure, atol=1e-30)
    for wrong in (np.zeros((1, 2)), np.array([0.5, 0.5]), np.array([[-1.0, 2.0]])):
        with pytest.raises(InvalidData):
            calibration.rescaled(wrong, 2.0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_wrong_temperatures_are_refused(wrong):
    """Zero, below, and what is no number."""
    with pytest.raises(InvalidArgument, match="above 0"):
        calibration.rescaled(np.eye(2), wrong)
    with pytest.raises(InvalidArgument, match="above 0"):
        calibration.scaled(models.cnn("s2-m1"), wrong)


def test_no_mistake_gives_no_temperature():
    """The smaller the better, then: what is returned is the end of a range."""
    with pytest.warns(UserWarning, match="No temperature from"):
        found = calibration.temperature(np.zeros(4, int), np.full((4, 2), [0.9, 0.1]))
    assert found < 0.1


def test_wrong_probabilities_are_refused():
    """Class numbers in place of probabilities; other lengths."""
    with pytest.raises(InvalidData):
        calibration.temperature(np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(InvalidData):
        calibration.temperature(np.array([0, 1]), np.full((3, 2), 0.5))


def test_what_is_no_graph_is_refused():
    """A path, or a class of the user's own, cannot be copied layer by layer."""

    class Mine(keras.Model):
        pass

    for wrong in (Mine(), "model.keras"):
        with pytest.raises(InvalidArgument, match="functional"):
            calibration.scaled(wrong, 2.0)


def test_a_softmax_layer_of_its_own_is_seen():
    """The dense layer before it gives the logits."""
    image = keras.Input((4,))
    outputs = keras.layers.Activation("softmax")(keras.layers.Dense(3)(image))
    model = keras.Model(image, outputs)
    given = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    expected = softmax(np.log(model.predict(given, verbose=0)) / 2, axis=1)
    found = calibration.scaled(model, 2.0).predict(given, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_certainty_has_a_temperature():
    """Probabilities of 0 and 1, of which one is wrong, get the largest."""
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    with pytest.warns(UserWarning, match="No temperature from"):
        found = calibration.temperature(np.array([0, 1, 1]), rows)
    assert found == pytest.approx(20, rel=1e-2)
