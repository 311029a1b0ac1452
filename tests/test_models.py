"""Whole models: assembled, and trained from scratch."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from cifarkit import heads, models
from cifarkit._errors import InvalidArgument, UnknownName

# Keras 3.15 reads TensorFlow variables in a way that NumPy 2.4 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 12, 10, 3)).astype("uint8")


def backbone(size=16, name="small"):
    """Return a backbone of one convolution: images to a feature map of a quarter."""
    images = keras.Input((size, size, 3))
    unit = keras.layers.Rescaling(1 / 255)(images)
    features = keras.layers.Conv2D(5, 3, strides=4, padding="same")(unit)
    return keras.Model(images, features, name=name)


def assembled(**options):
    """Return a small assembled model."""
    head = heads.classifier().build((4, 4, 5), 10, seed=0)
    return models.assemble(backbone(), head, **options)


def test_an_assembled_model_is_resize_backbone_head():
    """The parts keep their names, so that they can be found again."""
    model = assembled()
    parts = ["images", "resize", "small", "head"]
    assert [layer.name for layer in model.layers] == parts
    assert model.name == "classifier"
    assert model.input_shape == (None, None, None, 3)
    assert assembled(native=(12, 10)).input_shape == (None, 12, 10, 3)


@pytest.mark.parametrize("native", [None, (12, 10)])
def test_integers_and_floats_of_any_size_give_the_same_probabilities(native):
    """`predict` takes uint8 as it comes from a data set, and floats in [0, 255]."""
    model = assembled(native=native)
    result = model.predict(IMAGES, verbose=0)
    assert (result.shape, result.dtype) == ((3, 10), np.float32)
    np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-5)
    floats = model.predict(IMAGES.astype("float32"), verbose=0)
    np.testing.assert_array_equal(result, floats)
    if native is None:
        assert model.predict(IMAGES[:, :7, :9], verbose=0).shape == (3, 10)


def test_a_model_that_is_called_answers_as_predict_does(tmp_path):
    """Keras' own `Resizing` would put all layers after it into training."""
    model = assembled()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded, models.copy_of(model), models.folded(model)):
        called = keras.ops.convert_to_numpy(each(IMAGES.astype("float32")))
        wanted = model.predict(IMAGES, verbose=0)
        np.testing.assert_allclose(called, wanted, atol=1e-6)


def test_a_model_still_drops_out_in_training():
    """What the resize is told holds for calls without a word of training alone."""
    model, pixels = assembled(), IMAGES.astype("float32")
    first, second = (model(pixels, training=True) for _ in range(2))
    assert not np.allclose(first, second)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_an_assembled_model_computes_what_its_parts_compute(interpolation):
    """Resize, backbone and head by hand give the same numbers."""
    model = assembled(interpolation=interpolation)
    resized = keras.ops.image.resize(
        IMAGES.astype("float32"), (16, 16), interpolation=interpolation
    )
    expected = model.get_layer("head")(model.get_layer("small")(resized))
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0),
        keras.ops.convert_to_numpy(expected),
        atol=1e-5,
    )


def test_an_assembled_model_shares_the_weights_of_its_parts():
    """Training the whole trains the backbone and the head that were given."""
    small, head = backbone(), heads.linear().build((4, 4, 5), 10, seed=0)
    model = models.assemble(small, head)
    parts = [*small.trainable_variables, *head.trainable_variables]
    assert len(parts) == len(model.trainable_variables) == 4
    assert all(a is b for a, b in zip(parts, model.trainable_variables, strict=True))


def test_pixels_are_resized_in_float32_under_mixed_precision():
    """Half precision cannot tell neighbouring grey values apart."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model, network = assembled(), models.cnn("s2-m1")
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("resize").compute_dtype == "float32"
    assert network.get_layer("preprocess_unit").compute_dtype == "float32"
    assert network.get_layer("conv_1_1").compute_dtype == "bfloat16"
    assert network.get_layer("predictions").compute_dtype == "float32"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((backbone(None), (4, 4, 5)), "fixed height and width"),
        ((backbone(), (2, 2, 5)), r"\(4, 4, 5\); received one for \(2, 2, 5\)"),
        ((backbone(name="head"), (4, 4, 5)), "two named 'head'"),
    ],
    ids=["no size", "wrong head", "same name"],
)
def test_parts_that_do_not_fit_are_refused(parts, words):
    """What cannot be put together is said before anything is built."""
    small, features = parts
    head = heads.linear().build(features, 10, seed=0)
    with pytest.raises(InvalidArgument, match=words):
        models.assemble(small, head)


def test_saved_models_load_where_only_keras_is_imported(tmp_path):
    """Assembled and scratch models load in a fresh process, safe mode on."""
    script = """
import json, sys, keras, numpy as np
folder, images = sys.argv[1], np.load(sys.argv[1] + "/images.npy")
answers = {}
for name in ("assembled", "cnn"):
    model = keras.saving.load_model(f"{folder}/{name}.keras", safe_mode=True)
    answers[name] = model.predict(images, verbose=0).tolist()
assert not any(name.split(".")[0] == "cifarkit" for name in sys.modules)
print(json.dumps(answers))
"""
    images = np.resize(IMAGES, (2, 32, 32, 3))
    np.save(tmp_path / "images.npy", images)
    saved = {"assembled": assembled(), "cnn": models.cnn("s3-augmented")}
    for name, model in saved.items():
        model.save(tmp_path / f"{name}.keras")
    command = [sys.executable, "-c", script, str(tmp_path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answers = json.loads(output.splitlines()[-1])
    for name, model in saved.items():
        expected = model.predict(images, verbose=0)
        np.testing.assert_allclose(answers[name], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("s0-cnn", 620_362),
        ("s2-m1", 821_206),
        ("s2-m2", 1_060_138),
        ("s2-m4", 591_274),
        ("s2-m6", 1_674_698),
        ("s3-baseline", 2_168_362),
        ("s3-augmented", 2_168_362 + 4 * 2 * (32 + 64)),
        ("s4-cnn", 552_362),
        ("ours-cnn", 1_975_096),
    ],
)
def test_scratch_networks_have_their_size(name, count):
    """S3's baseline has its published 2,168,362 parameters; the others stay."""
    network = models.cnn(name)
    assert network.name == name
    assert network.count_params() == count
    assert network.layers[1].name == "preprocess_unit"
    assert network.predict(IMAGES[:2, :1, :1].repeat(32, 1).repeat(32, 2), verbose=0)[
        0
    ].sum() == pytest.approx(1)


def test_names_are_all_networks():
    """Every recipe that trains from scratch has its network."""
    assert models.names() == (
        *("s0-cnn", "s2-m1", "s2-m2", "s2-m4", "s2-m6"),
        *("s3-baseline", "s3-augmented", "s4-cnn", "ours-cnn"),
    )


STATED = {
    "s0-cnn": "conv 32, pool, conv 64, pool, conv 128, pool, flat, dense 256, drop 0.5",
    "s2-m1": "conv 32, pool, flat, dense 100",
    "s2-m2": "conv 32, conv 32, pool, flat, dense 128",
    "s2-m4": (
        "conv 32, conv 32, pool, drop 0.2, conv 64, conv 64, pool, drop 0.2, flat, "
        "dense 128, drop 0.5"
    ),
    "s2-m6": (
        "conv 64, norm, conv 64, norm, pool, conv 128, norm, conv 128, norm, pool, "
        "conv 256, norm, conv 256, norm, pool, flat, dense 128, drop 0.5"
    ),
    "s3-baseline": (
        "conv 32, conv 32, pool, drop 0.25, conv 64, conv 64, pool, drop 0.25, flat, "
        "dense 512, drop 0.5"
    ),
    "s3-augmented": (
        "conv 32, norm, conv 32, norm, pool, drop 0.25, conv 64, norm, conv 64, norm, "
        "pool, drop 0.25, flat, dense 512, drop 0.5"
    ),
    "s4-cnn": (
        "conv 32, norm, conv 32, norm, pool, conv 64, norm, conv 64, norm, pool, "
        "conv 128, norm, conv 128, norm, pool, flat, dense 128, drop 0.5"
    ),
}
"""What the projects state of their layers, and of S4's what was chosen here."""


@pytest.mark.parametrize("name", STATED)
def test_layers_of_a_published_network_are_as_stated(name):
    """Kind, size and order of each; 3 x 3, ReLU and 2 x 2 pooling throughout."""
    _, unit, *rest, last = models.cnn(name).layers
    assert unit.scale == 1 / 255
    assert (last.units, last.activation) == (10, keras.activations.softmax)
    assert ", ".join(map(in_words, rest)) == STATED[name]


def in_words(layer):
    """Return a layer in the words above; what is usual there is asserted."""
    kinds = keras.layers
    match layer:
        case kinds.Conv2D():
            assert (layer.kernel_size, layer.padding) == ((3, 3), "same")
            assert layer.activation is keras.activations.relu
            return f"conv {layer.filters}"
        case kinds.MaxPooling2D():
            assert layer.pool_size == layer.strides == (2, 2)
            return "pool"
        case kinds.BatchNormalization():
            return "norm"
        case kinds.Dropout():
            return f"drop {layer.rate:g}"
        case kinds.Dense():
            assert layer.activation is keras.activations.relu
            return f"dense {layer.units}"
        case kinds.Flatten():
            return "flat"
    raise AssertionError(f"{layer.name}: nobody stated it")


def test_layers_stand_in_the_published_order():
    """S3's augmented network: norm after each convolution, pool, dropout, twice."""
    layers = models.cnn("s3-augmented").layers
    block = "conv_{0}_1 norm_{0}_1 conv_{0}_2 norm_{0}_2 pool_{0} dropout_{0}"
    expected = f"images preprocess_unit {block.format(1)} {block.format(2)}"
    expected += " flatten dense dropout predictions"
    assert [layer.name for layer in layers] == expected.split()
    rates = [each.rate for each in layers if each.name.startswith("dropout")]
    assert rates == [0.25, 0.25, 0.5]


def test_a_network_fits_other_classes_and_sizes():
    """Classes and size are the caller's."""
    network = models.cnn("s4-cnn", classes=100, size=64)
    assert (network.input_shape, network.output_shape) == (
        (None, 64, 64, 3),
        (None, 100),
    )


def test_a_seed_is_a_network():
    """One seed gives one network, another gives another."""
    one, same, other = (models.cnn("s2-m4", seed=seed) for seed in (3, 3, 4))
    for left, right in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


def test_a_network_learns():
    """Some steps on four images teach them: the parts are connected."""
    network = models.cnn("s0-cnn", classes=4, size=8)
    network.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("uint8")
    many = np.tile(images, (80, 1, 1, 1)), np.tile(np.arange(4), 80)
    network.fit(*many, batch_size=4, shuffle=False, verbose=0)
    assert network.evaluate(images, np.arange(4), verbose=0) < 0.5  # log 4 = 1.39


def test_an_unknown_network_is_named_with_the_nearest():
    """A misspelt name gets a suggestion."""
    with pytest.raises(UnknownName, match="Did you mean 's3-baseline'"):
        models.cnn("s3-basline")


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"size": 7}], ids=str)
def test_a_network_needs_classes_and_pixels(wrong):
    """Three poolings need eight pixels."""
    with pytest.raises(InvalidArgument, match="s0-cnn"):
        models.cnn("s0-cnn", **wrong)
