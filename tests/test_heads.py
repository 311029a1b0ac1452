"""Heads: their layers, their sizes, their seeds."""

import keras
import numpy as np
import pytest

from cifarkit import heads
from cifarkit._errors import InvalidArgument, UnknownName

# Keras 3.15 reads TensorFlow variables in a way that NumPy 2.4 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

S0 = heads.classifier(hidden=(128,), dropout=0.3)
S1 = heads.classifier(hidden=(128, 64), dropout=0.0)
S2 = heads.classifier(input_dropout=0.4, hidden=(256,), dropout=0.4)
S3 = heads.classifier(input_dropout=0.5, hidden=(128,), dropout=0.3)
BATCH_NORMS = [("frozen", (8,)), (1, (8,)), (True, ())]
S4 = heads.classifier(hidden=(256, 128, 64), dropout=0.6, batch_norm=True, l2=1e-3)


def names(head):
    """Return the names of a built head's layers, its input left out."""
    layers = head.build((2, 2, 8), 10, seed=0).layers
    return [layer.name for layer in layers[1:]]


def kernels(model):
    """Return the kernels of the dense layers."""
    dense = [each for each in model.layers if isinstance(each, keras.layers.Dense)]
    return [keras.ops.convert_to_numpy(layer.kernel) for layer in dense]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (S0, "pool dense_1 dropout predictions"),
        (S1, "pool dense_1 dense_2 predictions"),
        (S2, "pool input_dropout dense_1 dropout predictions"),
        (
            S4,
            "pool dense_1 norm_1 dense_2 norm_2 dense_3 norm_3 dropout predictions",
        ),
        (heads.linear(), "pool predictions"),
        (heads.linear(pooling="avg_max"), "pool_avg pool_max pool predictions"),
    ],
    ids=["s0", "s1", "s2-m7", "s4", "linear", "avg_max"],
)
def test_layers_stand_in_the_published_order(head, expected):
    """The heads of the five projects can be written, and their layers found."""
    assert names(head) == expected.split()


def test_rates_units_and_activations_are_those_asked_for():
    """Every number of the description reaches its layer."""
    model = S3.build((2, 2, 8), 7, seed=0)
    assert model.name == "head"
    assert model.get_layer("input_dropout").rate == 0.5
    assert model.get_layer("dropout").rate == 0.3
    assert model.get_layer("dense_1").units == 128
    assert model.get_layer("dense_1").activation is keras.activations.relu
    assert model.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("head", "features", "trainable"),
    [
        (S3, (3, 3, 1280), 165_258),
        (S0, (5, 5, 1280), 128 * 1281 + 10 * 129),
        (S4, (7, 7, 2048), 256 * 2051 + 128 * 259 + 64 * 131 + 10 * 65),
        (heads.linear(pooling="flatten"), (3, 3, 8), 10 * 73),
        (heads.linear(pooling="avg_max"), (3, 3, 8), 10 * 17),
    ],
    ids=["s3", "s0", "s4", "flatten", "avg_max"],
)
def test_parameter_counts(head, features, trainable):
    """S3's head has its published 165,258 parameters; the others add up."""
    model = head.build(features, 10, seed=0)
    assert sum(int(np.prod(each.shape)) for each in model.trainable_variables) == (
        trainable
    )


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [
        ("avg", lambda x: x.mean(axis=(1, 2))),
        ("max", lambda x: x.max(axis=(1, 2))),
        ("avg_max", lambda x: np.hstack([x.mean(axis=(1, 2)), x.max(axis=(1, 2))])),
        ("flatten", lambda x: x.reshape(len(x), -1)),
    ],
)
def test_a_linear_head_is_pooling_and_softmax(pooling, pooled):
    """Each pooling is what its name says; the output sums to 1."""
    features = np.random.default_rng(0).normal(size=(5, 3, 4, 6)).astype("float32")
    model = heads.linear(pooling=pooling).build((3, 4, 6), 4, seed=0)
    logits = pooled(features) @ kernels(model)[0]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    result = model.predict(features, verbose=0)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_l2_is_on_every_dense_kernel_and_on_nothing_else():
    """The penalty is the strength times the squares, the last layer's included."""
    model = S4.build((2, 2, 8), 10, seed=0)
    penalty = 1e-3 * sum(np.square(kernel).sum() for kernel in kernels(model))
    assert len(model.losses) == 4
    assert float(sum(model.losses)) == pytest.approx(penalty, rel=1e-5)
    assert not S0.build((2, 2, 8), 10, seed=0).losses


def test_a_seed_is_a_head():
    """One seed gives one head: weights and dropout masks; another gives another."""
    ones, features = np.ones((1, 2, 2, 8)), []
    models = [S2.build((2, 2, 8), 10, seed=seed) for seed in (3, 3, 4)]
    features = [keras.ops.convert_to_numpy(m(ones, training=True)) for m in models]
    for left, right in zip(kernels(models[0]), kernels(models[1]), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(kernels(models[0])[0], kernels(models[2])[0])
    np.testing.assert_array_equal(features[0], features[1])


def test_every_layer_has_its_own_seed():
    """No two layers share a stream of random numbers."""
    model = S2.build((2, 2, 8), 10, seed=0)
    layers = [each.get_config() for each in model.layers[2:]]
    seeds = [
        config["seed"]
        if "seed" in config
        else config["kernel_initializer"]["config"]["seed"]
        for config in layers
    ]
    assert len(seeds) == len(set(seeds)) == 4


def test_probabilities_are_float32_under_mixed_precision():
    """The softmax layer computes in float32 whatever the policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = S0.build((2, 2, 8), 10, seed=0)
    finally:
        keras.config.set_dtype_policy(before)
    result = model(np.ones((3, 2, 2, 8), "float32"))
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    assert model.get_layer("dense_1").compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": (0,)},
        {"hidden": (64.0,)},
        {"hidden": 128},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"dropout": "0.3"},
        {"input_dropout": float("nan")},
        {"l2": -1e-3},
        {"l2": float("inf")},
    ],
    ids=str,
)
def test_numbers_without_meaning_are_refused(wrong):
    """A bad number is refused when the head is described."""
    with pytest.raises(InvalidArgument, match=f"{next(iter(wrong))}.* received"):
        heads.classifier(**wrong)


def test_an_unknown_pooling_is_named_with_the_nearest():
    """A misspelt pooling gets a suggestion."""
    with pytest.raises(UnknownName, match="Did you mean 'avg_max'"):
        heads.classifier(pooling="avgmax")


@pytest.mark.parametrize(
    ("features", "classes"), [((2, 2, 8), 1), ((None, None, 8), 10)]
)
def test_a_head_needs_classes_and_a_known_shape(features, classes):
    """One class is no classification, and a head is built for one shape."""
    with pytest.raises(InvalidArgument, match="received"):
        heads.linear().build(features, classes, seed=0)


def test_equal_descriptions_are_equal():
    """A head is a value, whatever sequence its units came in."""
    assert heads.classifier(hidden=[128]) == heads.classifier()
    assert len({heads.linear(), heads.linear()}) == 1


@pytest.mark.parametrize(("batch_norm", "hidden"), BATCH_NORMS)
def test_batch_norm_of_a_head_is_yes_or_no(batch_norm, hidden):
    """The policy of a phase is no answer, and without hidden layers there is none."""
    with pytest.raises(InvalidArgument, match="batch_norm"):
        heads.classifier(hidden=hidden, batch_norm=batch_norm)
