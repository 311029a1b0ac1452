"""The faster kernels: the same numbers, the same weights, the same saved network."""

import gc
import weakref
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cifarkit import models
from cifarkit.models import accelerated, folded, folding, kernels
from cifarkit.models.folding import pairs
from cifarkit.models.graphs import calls
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


def test_the_devices_of_pytorch_are_those_of_its_tensors(monkeypatch):
    """Keras lists none of them."""
    place = SimpleNamespace(type="cuda", index=None)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setattr(keras.ops, "zeros", lambda _: SimpleNamespace(device=place))
    assert models.devices() == ["gpu:0"]
    place.type, place.index = "mps", 1
    assert models.devices() == ["mps:1"]


def test_a_gpu_is_left_to_its_compiler(monkeypatch):
    """XLA fuses on a GPU what is fused by hand on a CPU."""
    model = network()
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
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
@settings(deadline=None, max_examples=5)
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


def convolved(kind, *, bias, scale, center, padding="same", strides=1):
    """Return a network of a convolution and a batch norm with odd statistics."""
    given = keras.Input((7, 6, 4))
    options = {"use_bias": bias, "padding": padding, "strides": strides}
    if kind == "depthwise":
        conv = layers.DepthwiseConv2D(3, depth_multiplier=2, **options)
    else:
        conv = layers.Conv2D(6, 3, groups=2 if kind == "grouped" else 1, **options)
    norm = layers.BatchNormalization(scale=scale, center=center, epsilon=0.01)
    model = keras.Model(given, layers.ReLU()(norm(conv(given))))
    random = np.random.default_rng(0)
    model.set_weights(
        [random.uniform(0.2, 1.5, each.shape) for each in model.get_weights()]
    )
    return model


@given(
    st.sampled_from(["plain", "depthwise", "grouped"]),
    *[st.booleans()] * 3,
    st.sampled_from([("same", 1), ("valid", 1), ("same", 2)]),
)
@settings(max_examples=25)
def test_a_folded_network_answers_the_same(kind, bias, scale, center, shape):
    """Any convolution, with or without bias, scale and shift: equal up to rounding."""
    padding, strides = shape
    options = {"padding": padding, "strides": strides}
    model = convolved(kind, bias=bias, scale=scale, center=center, **options)
    fast = folded(model)
    assert len(list(pairs(model))) == 1
    given = np.random.default_rng(1).normal(0, 3, (5, 7, 6, 4)).astype(np.float32)
    expected = model.predict_on_batch(given)
    np.testing.assert_allclose(
        fast.predict_on_batch(given), expected, rtol=1e-4, atol=1e-5
    )


def test_a_folded_network_follows_its_weights():
    """New weights and new statistics are in the next answer, and nothing is copied."""
    model = convolved("plain", bias=True, scale=True, center=True)
    fast, given = folded(model), np.ones((2, 7, 6, 4), np.float32)
    before = fast.predict_on_batch(given)
    model.set_weights([2 * each for each in model.get_weights()])
    after = fast.predict_on_batch(given)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, model.predict_on_batch(given), rtol=1e-4)
    assert {id(each) for each in fast.weights} == {id(each) for each in model.weights}


def test_what_somebody_else_reads_is_not_folded():
    """A map that a second layer or the caller reads; a layer that is called twice."""
    given = keras.Input((6, 6, 3))
    conv, norm = layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization()
    maps = conv(given)
    shared = keras.Input((6, 6, 3))
    models = (
        keras.Model(given, layers.Add()([norm(maps), maps])),
        keras.Model(given, [norm(maps), maps]),
        keras.Model(shared, norm(conv(conv(shared)))),
        keras.Model(shared, norm(layers.ReLU()(conv(shared)))),
        keras.Model(shared, norm(norm(layers.Conv2D(3, 1)(shared)))),
    )
    values = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    norm.set_weights([np.full(3, each) for each in (2.0, 1.0, 0.5, 4.0)])
    for model in models:
        assert list(pairs(model)) == []
        expected = model.predict_on_batch(values)
        found = folded(model).predict_on_batch(values)
        for one, other in zip(
            *(each if isinstance(each, list) else [each] for each in (expected, found)),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_model_without_a_graph_is_left_as_it_is():
    """A subclass of `keras.Model` is answered by itself."""

    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    model = Own()
    assert folded(model) is model
    sequential = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(2, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    )
    assert len(list(pairs(sequential))) == 1
    values = np.ones((1, 6, 6, 3), np.float32)
    np.testing.assert_allclose(
        folded(sequential).predict_on_batch(values),
        sequential.predict_on_batch(values),
        rtol=1e-5,
    )


def test_folding_leaves_the_network_as_it_was(tmp_path):
    """It can be saved, loaded and folded again; its layers say what they said."""
    model = convolved("depthwise", bias=False, scale=True, center=True)
    before = [layer.output for layer in model.layers]
    for _ in range(2):
        folded(model).predict_on_batch(np.ones((1, 7, 6, 4), np.float32))
    assert all(a is b.output for a, b in zip(before, model.layers, strict=True))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    given = np.ones((1, 7, 6, 4), np.float32)
    np.testing.assert_allclose(
        folded(again).predict_on_batch(given), model.predict_on_batch(given), rtol=1e-4
    )


def test_a_network_is_folded_once():
    """Its layers would note each time for ever; with new outputs it is another one."""
    model = convolved("plain", bias=True, scale=True, center=True)
    given = np.ones((2, 7, 6, 4), np.float32)
    folded(model).predict_on_batch(given)
    calls = [len(layer._inbound_nodes) for layer in model.layers]
    folded(model).predict_on_batch(given)
    assert [len(layer._inbound_nodes) for layer in model.layers] == calls
    model.layers[-1].max_value = 1e-3  # which Keras reads when it traces a step
    assert folded(model).predict_on_batch(given).max() <= 1e-3
    model.layers[1].activation = keras.activations.tanh  # no longer linear
    np.testing.assert_allclose(
        folded(model).predict_on_batch(given), np.asarray(model(given)), rtol=1e-5
    )
    sequential = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(2, 3)])
    values = np.ones((1, 6, 6, 3), np.float32)
    assert folded(sequential).predict_on_batch(values).shape == (1, 4, 4, 2)
    sequential.add(layers.GlobalAveragePooling2D())
    assert folded(sequential).predict_on_batch(values).shape == (1, 2)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_frozen_layers_are_folded_while_others_learn():
    """Their statistics stay, and the losses are those of the network itself."""
    first, second = twins()
    for model in (first, second):
        for layer in model.layers[:4]:
            layer.trainable = False
    assert any(
        type(layer).__name__ == "_Folded" for layer in accelerated(second).layers
    )
    expected = trained(first, batch=8, steps=6)
    found = trained(accelerated(second), batch=8, steps=6)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_operations_without_layers_are_kept():
    """A division in the graph neither stops a training nor is left out."""
    given = keras.Input((6, 6, 3))
    norm = layers.BatchNormalization()
    maps = norm(layers.Conv2D(4, 3)(given / 255.0 - 0.5))
    outputs = layers.Dense(3, "softmax")(layers.Flatten()(maps))
    model = keras.Model(given, outputs)
    values = np.random.default_rng(0).uniform(0, 255, (4, 6, 6, 3)).astype(np.float32)
    expected = model.predict_on_batch(values)
    for twin in (folded(model), accelerated(model)):
        np.testing.assert_allclose(twin.predict_on_batch(values), expected, rtol=1e-4)
    norm.trainable = False
    twin = accelerated(model)
    twin.compile("sgd", "categorical_crossentropy")
    assert np.isfinite(twin.train_on_batch(values, np.eye(3)[[0, 1, 2, 0]]))


def test_what_a_model_is_compiled_with_is_not_copied():
    """A loss of one's own, which Keras could not find again, plays no part."""

    def own(target, output):
        return keras.ops.mean((target - output) ** 2)

    model = convolved("plain", bias=True, scale=True, center=True)
    model.compile("adam", own, metrics=[own])
    for twin in (folded(model), accelerated(model)):
        assert twin is not model
        assert not twin.compiled


def test_a_subclass_with_a_graph_is_left_as_it_is():
    """It may do more than its graph says, alone or inside of another model."""

    class Doubled(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return 2.0 * super().call(inputs, training=training, mask=mask)

    given = keras.Input((6, 6, 3))
    maps = layers.BatchNormalization()(layers.Conv2D(2, 3)(given))
    inner = Doubled(given, maps)
    assert folded(inner) is inner
    assert accelerated(inner) is inner
    outer = keras.Sequential([keras.Input((6, 6, 3)), inner, layers.ReLU()])
    values = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    found = folded(outer).predict_on_batch(values)
    np.testing.assert_allclose(found, outer.predict_on_batch(values), rtol=1e-5)


@pytest.mark.parametrize("nested", [False, True])
def test_a_batch_norm_that_is_told_to_learn_answers_as_in_predict(nested):
    """Keras' own `predict` overrides `training=True` in the graph; so does the twin."""
    given = keras.Input((6, 6, 3))
    conv, norm = layers.Conv2D(2, 3), layers.BatchNormalization()
    if nested:
        inner_input = keras.Input((6, 6, 3))
        inner = keras.Model(inner_input, norm(conv(inner_input)))
        model = keras.Model(given, inner(given, training=True))
    else:
        model = keras.Model(given, norm(conv(given), training=True))
    values = np.random.default_rng(0).normal(5, 1, (8, 6, 6, 3)).astype(np.float32)
    expected = model.predict_on_batch(values)
    found = folded(model).predict_on_batch(values)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_twins_compute_in_the_precision_of_their_layers():
    """A policy that was set later changes nothing for a network in float32."""
    model = convolved("plain", bias=True, scale=True, center=True)
    given = np.random.default_rng(1).normal(0, 3, (5, 7, 6, 4)).astype(np.float32)
    expected = model.predict_on_batch(given)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = folded(model).predict_on_batch(given)
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_structures_of_inputs_and_outputs_stay():
    """One output is an array, a dictionary of them a dictionary."""
    given = {
        "a": keras.Input((4, 4, 3), name="a"),
        "b": keras.Input((4, 4, 3), name="b"),
    }
    conv, norm = layers.Conv2D(2, 3), layers.BatchNormalization()
    sums = norm(conv(layers.Add()([given["a"], given["b"]])))
    model = keras.Model(given, {"sum": sums, "flat": layers.Flatten()(sums)})
    values = {name: np.ones((2, 4, 4, 3), np.float32) for name in "ab"}
    found, expected = folded(model).predict_on_batch(values), model(values)
    assert set(found) == {"sum", "flat"}
    np.testing.assert_allclose(found["sum"], expected["sum"], rtol=1e-5, atol=1e-6)


def test_a_penalty_on_activations_is_kept():
    """Keras adds it where a layer is called: such layers are called."""
    given = keras.Input((4, 4, 3))
    maps = layers.Conv2D(6, 1, activity_regularizer="l2")(given)
    maps = layers.BatchNormalization(activity_regularizer="l2")(maps)
    model = keras.Model(given, layers.GlobalAveragePooling2D()(maps))
    pixels = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    for fast in (accelerated(model), folded(model)):
        model(pixels, training=True)
        penalties = sum(map(float, model.losses))
        fast(pixels, training=True)
        assert sum(map(float, fast.losses)) == pytest.approx(penalties)


def shapes(model):
    """Return the shapes of what all calls of a model give."""
    return [[each.shape for each in call.output_tensors] for call in calls(model)]


def test_standing_in_for_a_layer_costs_no_trace(monkeypatch):
    """Keras would trace each that stands in for a layer, to learn its shape."""

    def call(self, inputs, training=None, mask=None):
        pytest.fail("It was traced.")

    for twin in (folding._Folded, folding._Gone, kernels._Norm, kernels._Product):
        monkeypatch.setattr(twin, "call", call)
    model = network()
    for made in (folded(model), accelerated(model)):
        assert shapes(made) == shapes(model)
