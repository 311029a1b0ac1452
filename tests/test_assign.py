"""Arrays into the variables of a model."""

import keras
import numpy as np
import pytest

from cifarkit._errors import CorruptFile
from cifarkit._types import Model
from cifarkit.backbones._assign import assign


@pytest.fixture
def model() -> Model:
    """Return a model with four weights in two layers."""
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="first")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="second")(x))


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    """Return arrays that fit the model, each filled with a number of its own."""
    return {
        weight.path: np.full(weight.shape, number, np.float32)
        for number, weight in enumerate(model.weights, start=1)
    }


def test_every_variable_gets_its_array(model: Model) -> None:
    """Each array is found under the name of its variable."""
    arrays = arrays_of(model)
    assign(model, dict(reversed(arrays.items())))
    for weight in model.weights:
        np.testing.assert_array_equal(weight.numpy(), arrays[weight.path])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"second/bias": None}, r"1 missing \(second/bias\)"),
        ({"third/bias": np.zeros(2)}, r"1 of no use \(third/bias\)"),
        ({"second/bias": np.zeros((1, 2))}, r"\(1, 2\) instead of \(2,\)"),
    ],
)
def test_arrays_of_another_model_are_refused_whole(
    model: Model, change: dict[str, np.ndarray | None], text: str
) -> None:
    """A missing, a useless or a misshapen array leaves the model as it was."""
    before = [weight.numpy() for weight in model.weights]
    arrays = {
        path: array
        for path, array in (arrays_of(model) | change).items()
        if array is not None
    }
    with pytest.raises(CorruptFile, match=text):
        assign(model, arrays)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_many_differences_are_told_in_one_line(model: Model) -> None:
    """Three names of each kind are enough to see what is wrong."""
    with pytest.raises(CorruptFile, match=r"4 missing \(.*, \.\.\.\)"):
        assign(model, {})
