"""The faster kernels: the same numbers, the same weights, the same saved network."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cifarkit.models import accelerated, kernels
from cifarkit.training._fused import fused

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the kernels are TensorFlow's"
)


def network(*, momentum=0.9, epsilon=1e-3, bias=True, activation=None):
    """Return a small network with all that is replaced, and what is not."""
    inner_input = keras.Input((None, None, 6))
    inner = layers.BatchNormalization(momentum=momentum, epsilon=epsilon)(inner_input)
    inner = layers.Conv2D(4, 1, use_bias=bias, activation=activation)(inner)
    inner = keras.Model(inner_input, inner, name="inner")
    given = keras.Input((5, 7, 3))
    maps = layers.Conv2D(6, 3, strides=2, padding="same")(given)
    maps = layers.Conv2D(6, 1, kernel_regularizer="l2")(maps)
    maps = layers.BatchNormalization(scale=True)(maps)
    maps = inner(layers.DepthwiseConv2D(3, padding="same")(maps))
    pooled = layers.BatchNormalization()(layers.GlobalAveragePooling2D()(maps))
    return keras.Model(given, layers.Dense(3, activation="softmax")(pooled))


def images(count, seed=0):
    """Return images and one-hot labels."""
    random = np.random.default_rng(seed)
    labels = np.eye(3, dtype=np.float32)[random.integers(0, 3, count)]
    return random.normal(2, 3, (count, 5, 7, 3)).astype(np.float32), labels


def twins(**options):
    """Return a network and another of the same weights."""
    first = network(**options)
    second = network(**options)
    second.set_weights(first.get_weights())
    return first, second


def trained(model, *, batch, steps, freeze=False):
    """Train with SGD; return the losses of all steps."""
    if freeze:
        for layer in model._flatten_layers():
            if isinstance(layer, layers.BatchNormalization):
                layer.trainable = False
    model.compile(keras.optimizers.SGD(0.05), "categorical_crossentropy")
    data = images(batch * steps)
    steps = zip(*(np.split(each, steps) for each in data), strict=True)
    return [float(np.asarray(model.train_on_batch(x, y))) for x, y in steps]


@given(
    batch=st.integers(2, 9),
    momentum=st.sampled_from([0.5, 0.9, 0.99]),
    epsilon=st.sampled_from([1e-3, 1e-5]),
    bias=st.booleans(),
    activation=st.sampled_from([None, "relu"]),
    freeze=st.booleans(),
)
@settings(max_examples=8)
def test_training_gives_the_same_weights_and_statistics(batch, freeze, **options):
    """Gradients, weights and moving statistics are those of Keras, up to rounding."""
    plain, same = twins(**options)
    fast = accelerated(same)
    expected = trained(plain, batch=batch, steps=4, freeze=freeze)
    assert trained(fast, batch=batch, steps=4, freeze=freeze) == pytest.approx(
        expected, rel=1e-4
    )
    for ours, theirs in zip(same.weights, plain.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-3, 1e-4)


def test_inference_is_the_same():
    """What is predicted is the same, up to rounding."""
    model = network()
    trained(model, batch=8, steps=3)
    given, _ = images(4)
    expected = model.predict_on_batch(given)
    received = accelerated(model).predict_on_batch(given)
    np.testing.assert_allclose(received, expected, 1e-5, 1e-6)


def test_nothing_new_is_learned_and_nothing_is_lost():
    """The layers' own variables and penalties are what learns."""
    model = network()
    fast = accelerated(model)
    assert {id(each) for each in fast.weights} == {id(each) for each in model.weights}
    expected = [id(each) for each in model.trainable_weights]
    assert sorted(id(each) for each in fast.trainable_weights) == sorted(expected)
    assert np.isclose(float(sum(fast.losses)), float(sum(model.losses)))


def test_what_is_frozen_stays_frozen():
    """A flag on a layer holds after the exchange."""
    model = network()
    fast = accelerated(model)
    for layer in model.layers[:-1]:
        layer.trainable = False
    before = model.get_weights()[:-2]
    trained(fast, batch=8, steps=2)
    for ours, theirs in zip(model.get_weights()[:-2], before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_frozen_layers_are_left_alone():
    """What they give must be the same, to the last bit, in a batch of any size."""
    model = network()
    model.trainable = False
    names = {type(each).__name__ for each in accelerated(model)._flatten_layers()}
    assert not names & {"_Norm", "_Product"}


def test_nested_networks_are_reached():
    """Networks inside of networks are looked into."""
    kinds = [type(each) for each in accelerated(network())._flatten_layers()]
    assert kinds.count(kernels._Norm) == 2  # not the one over vectors
    assert kinds.count(kernels._Product) == 2  # not the strided 3 x 3 one


def test_strided_and_mixed_precision_layers_are_left_alone():
    """What the kernels would compute otherwise stays with Keras."""
    given = keras.Input((8, 8, 3))
    maps = layers.Conv2D(4, 1, strides=2)(given)
    maps = layers.Conv2D(4, 1, dtype="mixed_bfloat16")(maps)
    maps = layers.BatchNormalization(axis=1)(maps)
    model = accelerated(keras.Model(given, maps))
    names = {type(each).__name__ for each in model._flatten_layers()}
    assert not names & {"_Norm", "_Product"}


def test_a_model_without_a_graph_is_left_alone():
    """A subclass of keras.Model cannot be rebuilt, and is returned as it is."""

    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    model = Own()
    assert accelerated(model) is model


def test_other_backends_are_left_alone(monkeypatch):
    """Only TensorFlow has these kernels."""
    model = network()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert accelerated(model) is model


def test_a_gpu_is_left_to_its_compiler(monkeypatch):
    """XLA fuses on a GPU what is fused by hand on a CPU."""
    model = network()
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: ["gpu:0"])
    assert accelerated(model) is model


def optimized(optimizer):
    """Return the losses and the weights of some steps with an optimizer."""
    keras.utils.set_random_seed(0)
    # No batch norm: a bias before one has only rounding as gradient; Adam scales it.
    model = keras.Sequential(
        [
            keras.Input((5, 7, 3)),
            layers.Flatten(),
            layers.Dense(8, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "categorical_crossentropy")
    history = model.fit(*images(64), batch_size=8, epochs=2, verbose=0, shuffle=False)
    return history.history["loss"], model.get_weights()


@given(
    kind=st.sampled_from([keras.optimizers.Adam, keras.optimizers.AdamW]),
    rate=st.sampled_from([1e-4, 1e-2]),
    options=st.fixed_dictionaries(
        {
            "beta_1": st.sampled_from([0.0, 0.9]),
            "beta_2": st.sampled_from([0.5, 0.999]),
            "epsilon": st.sampled_from([1e-7, 1e-3]),
            "weight_decay": st.sampled_from([0.0, 0.1]),
            "global_clipnorm": st.sampled_from([None, 0.5]),
            "use_ema": st.booleans(),
        }
    ),
)
@settings(deadline=None, max_examples=8)
def test_adams_kernel_is_its_step(kind, rate, options):
    """Losses and weights are those of Keras' own optimizer, whatever its options."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, 16)
    plain = kind(schedule, **options)
    fast = fused(kind(schedule, **options))
    assert type(fast) is not kind
    (wanted, own), (losses, weights) = optimized(plain), optimized(fast)
    np.testing.assert_allclose(losses, wanted, rtol=1e-4)
    for one, other in zip(weights, own, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=rate / 20)


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.SGD(0.1), keras.optimizers.Adam(amsgrad=True)]
)
def test_an_optimizer_without_a_kernel_stays(optimizer):
    """It is the object itself."""
    assert fused(optimizer) is optimizer
