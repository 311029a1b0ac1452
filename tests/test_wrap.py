"""A user's own network as a backbone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cifarkit import backbones
from cifarkit._errors import InvalidArgument, UnknownName
from cifarkit._types import Model


def sequential(size: int | None = None) -> Model:
    """Return a small sequential network with batch norm."""
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.Conv2D(4, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
        ]
    )


def branched() -> Model:
    """Return a functional network whose input is used twice, one part nested."""
    image = keras.Input((16, 16, 3), name="mine")
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(3, 1)])
    x = layers.Add()([inner(image), layers.Conv2D(3, 1)(image)])
    return keras.Model(image, layers.MaxPooling2D(2)(layers.Add()([x, image])))


def random_images(size: int = 16) -> np.ndarray:
    """Return two float images in [0, 255]."""
    return np.random.default_rng(0).uniform(0, 255, (2, size, size, 3)).astype("f4")


def in_lists() -> Model:
    """Return a functional network whose input and output each stand in a list."""
    model = branched()
    return keras.Model(model.inputs, model.outputs)


def by_name() -> Model:
    """Return a functional network that takes its image by name."""
    model = branched()
    return keras.Model({"mine": model.input}, model.output)


@pytest.mark.parametrize("make", [sequential, branched, in_lists, by_name])
def test_a_wrapped_network_gives_its_own_features(make) -> None:
    """Behind the preprocessing, the copy computes what the model computes."""
    model, images = make(), random_images()
    copy = backbones.wrap(model, preprocess="unit").build(16)
    view = keras.Model(model.inputs[0], model.outputs[0])
    expected = np.array(view(images / np.float32(255)))
    assert np.allclose(np.array(copy(images)), expected, atol=1e-5)


def test_the_original_stays_as_it_is() -> None:
    """Neither weights nor trainable flags nor layers of the model are touched."""
    model = sequential()
    model.layers[0].trainable = False
    before = [array.copy() for array in model.get_weights()]
    copy = backbones.wrap(model, preprocess="tf").build(32)
    copy.set_weights([array + 1 for array in copy.get_weights()])
    assert all(map(np.array_equal, before, model.get_weights()))
    assert [layer.trainable for layer in model.layers] == [False, True]
    assert not {id(each) for each in copy.layers} & {id(each) for each in model.layers}


def test_later_training_of_the_original_is_not_seen() -> None:
    """The backbone is a value: it holds the weights of the moment of wrapping."""
    model, images = sequential(), random_images()
    backbone = backbones.wrap(model, preprocess="raw")
    before = np.array(model(images))
    model.set_weights([array + 1 for array in model.get_weights()])
    assert np.allclose(np.array(backbone.build(16)(images)), before, atol=1e-4)


def test_statistics_of_normalization_are_copied() -> None:
    """An adapted Normalization divides by what it has learned, in the copy too."""
    norm = layers.Normalization()
    norm.adapt(random_images() * 3)
    inner = keras.Sequential([keras.Input((None, None, 3)), norm])
    model = keras.Sequential([keras.Input((None, None, 3)), inner, layers.Conv2D(2, 3)])
    copy = backbones.wrap(model, preprocess="raw").build(16)
    images = random_images()
    assert np.allclose(np.array(copy(images)), np.array(model(images)), atol=1e-5)


def test_what_is_known_about_it() -> None:
    """Features, stride, size and name come from the model; there are no blocks."""
    backbone = backbones.wrap(sequential(32), preprocess="unit")
    assert (backbone.spec.features, backbone.spec.stride, backbone.size) == (4, 2, 32)
    assert backbone.provenance()["weights"] == "wrapped"
    assert backbone.provenance()["preprocess"] == "unit"
    assert backbone.block_of("block_11_expand") is None
    model = backbone.build(32)
    names = [layer.name for layer in backbone.body(model)]
    assert names == [layer.name for layer in model.layers[2:]]
    assert len(backbone.provenance()["digest"]) == 64


def test_the_digest_tells_weights_apart() -> None:
    """Equal weights have equal digests, others do not."""
    model = sequential()

    def digest() -> str:
        backbone = backbones.wrap(model, preprocess="raw")
        backbone.build(16)
        return str(backbone.provenance()["digest"])

    first = digest()
    assert digest() == first
    model.set_weights([array + 1 for array in model.get_weights()])
    assert digest() != first


def test_a_fixed_input_fixes_the_size() -> None:
    """A model for 32 pixels is not built for 48."""
    with pytest.raises(InvalidArgument, match=r"Expected size 32.*received 48"):
        backbones.wrap(sequential(32), preprocess="raw").build(48)


class Subclassed(keras.Model):
    """A model whose graph Keras does not know."""

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Subclassed(), "functional or a built sequential"),
        (keras.Sequential([layers.Conv2D(2, 3)]), "functional or a built sequential"),
        (layers.Conv2D(2, 3), "functional or a built sequential"),
        ("mobilenetv2", "functional or a built sequential"),
        (keras.Sequential([keras.Input((8,)), layers.Dense(2)]), "input of shape"),
        (keras.Sequential([keras.Input((8, 8, 1)), layers.ReLU()]), "input of shape"),
        (keras.Sequential([keras.Input((8, 9, 3)), layers.ReLU()]), "input of shape"),
        (keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten()]), "feature map"),
    ],
)
def test_another_model_is_refused(model: object, text: str) -> None:
    """The error says what is expected and how to cut the model."""
    with pytest.raises(InvalidArgument, match=text):
        backbones.wrap(model, preprocess="raw")


def test_two_outputs_are_refused() -> None:
    """A backbone has one feature map."""
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, [layers.ReLU()(image), layers.Conv2D(1, 1)(image)])
    with pytest.raises(InvalidArgument, match="1 inputs and 2 outputs"):
        backbones.wrap(model, preprocess="raw")


@pytest.mark.parametrize("mode", ["auto", "nothing"])
def test_the_preprocessing_must_be_said(mode: str) -> None:
    """Nobody but the caller knows what the network expects."""
    with pytest.raises(UnknownName, match="preprocess mode"):
        backbones.wrap(sequential(), preprocess=mode)
    with pytest.raises(TypeError, match="preprocess"):
        backbones.wrap(sequential())  # type: ignore[call-arg]


def test_a_backbone_is_not_converted_twice() -> None:
    """A model that cifarkit built brings its preprocessing with it."""
    model = backbones.get("vgg16", weights=None).build(64)
    with pytest.raises(InvalidArgument, match="converted twice"):
        backbones.wrap(model, preprocess="caffe")
    backbone = backbones.wrap(model, preprocess="raw")
    assert backbone.body(backbone.build(64))[0].name == "block1_conv1"


class Opaque(layers.Layer):
    """A layer that cannot be copied: it needs an argument that it does not tell."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_a_layer_that_learns_is_no_preprocessing() -> None:
    """By its name it would be left out of what is frozen, and learn unseen."""
    image = keras.Input((16, 16, 3))
    norm = layers.BatchNormalization(center=False, scale=False, name="preprocess_norm")
    still = keras.Model(image, layers.Conv2D(4, 3)(norm(image)))
    with pytest.raises(InvalidArgument, match="preprocess_norm"):
        backbones.wrap(still, preprocess="raw")
    model = keras.Model(image, layers.Conv2D(4, 3, name="preprocess_mix")(image))
    with pytest.raises(InvalidArgument, match="Rename"):
        backbones.wrap(model, preprocess="raw")


def test_a_layer_that_cannot_be_copied_is_named() -> None:
    """The error says what such a layer lacks."""
    model = keras.Sequential([keras.Input((8, 8, 3)), Opaque(2.0)])
    with pytest.raises(InvalidArgument, match="get_config"):
        backbones.wrap(model, preprocess="raw")


class Doubled(keras.Model):
    """A model that does more than its graph says."""

    def call(self, inputs, training=None, mask=None):
        """Double what the graph gives."""
        return 2.0 * super().call(inputs, training=training, mask=mask)


class Named(keras.Model):
    """A model that does what its graph says, as those of KerasHub do."""


def test_a_subclass_is_wrapped_if_it_is_its_graph():
    """A copy of the graph would lose a call of one's own, silently."""
    image = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(2, 3)(image)
    with pytest.raises(InvalidArgument, match="without its own call"):
        backbones.wrap(Doubled(image, maps), preprocess="unit")
    given = Named(image, maps)
    images = np.ones((1, 8, 8, 3), np.float32)
    found = backbones.wrap(given, preprocess="raw").build(8).predict(images, verbose=0)
    np.testing.assert_allclose(found, given.predict(images, verbose=0), rtol=1e-6)


def nested(**options) -> Model:
    """Return Keras' idiom for a network of one's own: another one inside it."""
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="deep_conv")(image)
    x = layers.BatchNormalization(name="deep_norm")(x)
    deep = keras.Sequential([keras.Input((8, 8, 8)), layers.ReLU(name="deep_relu")])
    base = keras.Model(image, layers.Add(name="deep_add")([deep(x), x]), name="base")
    values = base(layers.Rescaling(1 / 255, name="scale")(image), **options)
    return keras.Model(image, layers.Conv2D(4, 1, name="last")(values), name="mine")


@pytest.mark.parametrize("options", [{}, {"training": False}])
def test_a_network_inside_is_opened(options) -> None:
    """Its layers are layers of the backbone, so that a phase can free some of them."""
    model, images = nested(**options), random_images()
    statistics = model.get_layer("base").get_layer("deep_norm")
    statistics.set_weights(np.random.default_rng(1).random((4, 8), "f4"))
    backbone = backbones.wrap(model, preprocess="raw")
    copy = backbone.build(16)
    assert [layer.name for layer in backbone.body(copy)] == [
        *("scale", "deep_conv", "deep_norm", "deep_relu", "deep_add", "last")
    ]
    assert np.array_equal(copy.predict(images), model.predict(images))


def test_a_network_that_is_called_twice_stays_one() -> None:
    """Its layers would need two names each."""
    image, images = keras.Input((16, 16, 3)), random_images()
    shared = keras.Sequential([image, layers.Conv2D(3, 1)], name="shared")
    model = keras.Model(image, shared(shared(image)))
    copy = backbones.wrap(model, preprocess="raw").build(16)
    assert [layer.name for layer in copy.layers] == ["image", "shared"]
    assert np.array_equal(copy.predict(images), model.predict(images))


def test_preprocessing_of_a_network_inside_is_seen() -> None:
    """Images would be converted twice."""
    part = layers.Rescaling(1 / 255, name="preprocess_unit")
    inner = keras.Sequential([keras.Input((16, 16, 3)), part])
    model = keras.Sequential([keras.Input((16, 16, 3)), inner, layers.Conv2D(3, 1)])
    with pytest.raises(InvalidArgument, match="preprocess_unit"):
        backbones.wrap(model, preprocess="unit")


@pytest.mark.parametrize("name", ["images", "resize"])
def test_names_of_ours_are_refused(name) -> None:
    """Keras would say it of the whole network, when it is built."""
    body = [keras.Input((16, 16, 3)), layers.Conv2D(3, 1, name="image")]
    with pytest.raises(InvalidArgument, match="'image'"):
        backbones.wrap(keras.Sequential(body), preprocess="raw")
    named = keras.Sequential([keras.Input((16, 16, 3)), layers.ReLU()], name=name)
    with pytest.raises(InvalidArgument, match=name):
        backbones.wrap(named, preprocess="raw")


def test_a_size_of_which_nothing_is_left_is_refused() -> None:
    """How small images may be, the network alone knows."""
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 7)])
    backbone = backbones.wrap(model, preprocess="raw")
    assert backbone.build(8).output_shape == (None, 2, 2, 3)
    with pytest.raises(InvalidArgument, match=r"size of 4.*larger"):
        backbone.build(4)


def gelu(values):
    """Return what Keras' function of that name does not."""
    return values * 2.0


def test_a_function_that_is_named_like_one_of_keras_is_refused() -> None:
    """Keras writes down its name alone, and would read back its own."""
    conv = layers.Conv2D(3, 1, activation=gelu, name="odd")
    inner = keras.Sequential([keras.Input((16, 16, 3)), conv])
    model = keras.Sequential([keras.Input((16, 16, 3)), inner])
    with pytest.raises(InvalidArgument, match="'odd'"):
        backbones.wrap(model, preprocess="raw")


@pytest.mark.parametrize("function", [keras.activations.gelu, tf.nn.relu, tf.nn.gelu])
def test_functions_of_keras_and_tensorflow_are_copied(function) -> None:
    """Those of TensorFlow that do what Keras' do are written down as these."""
    conv = layers.Conv2D(3, 1, activation=function)
    model, images = keras.Sequential([keras.Input((16, 16, 3)), conv]), random_images()
    copy = backbones.wrap(model, preprocess="raw").build(16)
    assert np.allclose(copy.predict(images), model.predict(images), rtol=1e-5)
