"""The doctor: every mistake is planted, found, and shown to harm; sound work passes."""

import json
import random
import re
import warnings
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifarkit import Phase, TwoPhaseTrainer, augment, backbones, datasets, heads, models
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit.doctoring import Diagnosis, Finding, doctor
from cifarkit.training import PHASE_1, PHASE_2

DOCS = Path(__file__).parents[1] / "docs" / "doctor.md"
SOURCE = Path(__file__).parents[1] / "src" / "cifarkit" / "doctoring"
PHASE_2_HERE = replace(PHASE_2, unfreeze="conv_2")
layers, losses = keras.layers, keras.losses


@pytest.fixture(autouse=True)
def _seeded():
    """Start each test with the same weights."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def data():
    """A few small made-up images of four classes."""
    return datasets.synthetic(n=100, size=16, classes=4)


def base(*, frozen=False):
    """Return a small feature extractor with two batch norms."""
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, strides=2, name="conv_1"),
            layers.BatchNormalization(name="norm_1"),
            layers.ReLU(),
            layers.Conv2D(8, 3, name="conv_2"),
            layers.BatchNormalization(name="norm_2"),
        ],
        name="base",
    )
    model.trainable = not frozen  # as an argument of Sequential it does not hold
    return model


def network(body=None, *, loss=None, end="softmax", outputs=4, training=None):
    """Return a user's own network, compiled if a loss is given."""
    image = keras.Input((16, 16, 3))
    body = base() if body is None else body
    features = body(image) if training is None else body(image, training=training)
    pooled = layers.GlobalAveragePooling2D()(features)
    model = keras.Model(image, layers.Dense(outputs, activation=end)(pooled))
    if loss is not None:
        model.compile("sgd", loss)
    return model


def trainer(backbone=None, **options):
    """Return a silent trainer of a small backbone."""
    wrapped = backbone or backbones.wrap(base(), preprocess="raw")
    options = {"verbose": 0, "phase_2": PHASE_2_HERE} | options
    return TwoPhaseTrainer(wrapped, heads.linear(), **options)


def pair(split):
    """Return a split as floats in [0, 255] and class numbers."""
    return split.images.astype("float32"), split.labels


def grave(diagnosis, code):
    """Return the severities of a code's findings, notes aside."""
    found = [each for each in diagnosis.findings if each.code == code]
    return [each.severity for each in found if each.severity != "note"]


def noted(diagnosis, code):
    """Return the details of a code's notes."""
    found = [each for each in diagnosis.findings if each.code == code]
    return [each.detail for each in found if each.severity == "note"]


def norms(model):
    """Return the moving mean of the first batch norm."""
    found = next(each for each in model._flatten_layers() if "norm_1" in each.name)
    return np.asarray(keras.ops.convert_to_numpy(found.moving_mean)).copy()


# What is right


def test_the_five_lines_are_sound():
    """Our own default program has neither errors nor warnings."""
    data = datasets.synthetic(n=100, size=96, classes=4)
    backbone = backbones.get("mobilenetv2", weights=None)
    diagnosis = doctor(TwoPhaseTrainer(backbone, heads.classifier()), data)
    assert diagnosis.ok, str(diagnosis)
    assert {each.code for each in diagnosis.findings} == {"CK110"}


@pytest.mark.real
def test_the_five_lines_on_real_images_are_sound():
    """CIFAR-10 and MobileNetV2 with their real pixels and weights pass."""
    data = datasets.cifar10(size=96)
    diagnosis = doctor(
        TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier()), data
    )
    assert diagnosis.ok, str(diagnosis)


def test_a_sound_model_passes(data):
    """A plain model that is right has notes alone, whatever form its data have."""
    model = network(loss="sparse_categorical_crossentropy")
    for given in (data, data.train.to_tf(16)):
        diagnosis = doctor(model, given)
        assert diagnosis.ok, str(diagnosis)
    sound = doctor(model, pair(data.train), validation=pair(data.validation))
    assert [each.code for each in sound.findings] == ["CK110"]


# Nothing changes


def test_the_model_is_left_as_it_is(data):
    """Weights, flags, optimizer, functions and seeds of a fitted model stay."""
    body = keras.Sequential([keras.Input((16, 16, 3)), layers.RandomFlip(), base()])
    model = network(body, loss="sparse_categorical_crossentropy")
    body.layers[1].layers[2].trainable = False
    model.fit(*pair(data.train.take(8)), verbose=0)
    kept = ("optimizer", "loss", "train_function", "test_function", "predict_function")

    def state():
        values = [np.asarray(v.numpy()).copy() for v in model.variables]
        values += [np.asarray(v.numpy()).copy() for v in model.optimizer.variables]
        seeds = [
            np.asarray(each.generator.state.numpy()).copy()
            for each in model._flatten_layers()
            if hasattr(each, "generator")
        ]
        flags = [each.trainable for each in model._flatten_layers()]
        return values + seeds, flags, [getattr(model, name) for name in kept]

    before = state()
    doctor(model, data)
    after = state()
    assert all(map(np.array_equal, before[0], after[0]))
    assert len(before[0]) == len(after[0])
    assert before[1] == after[1]
    assert all(one is other for one, other in zip(before[2], after[2], strict=True))


def test_training_goes_on_as_it_would_have(data):
    """With dropout, flips and a penalty, the losses after a look are the same."""

    def history(look):
        keras.utils.set_random_seed(3)
        body = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.RandomFlip(),
                layers.Rescaling(1 / 255),
                layers.Conv2D(4, 3, activity_regularizer=keras.regularizers.L2(0.1)),
                layers.Dropout(0.5),
            ]
        )
        model = network(body, loss="sparse_categorical_crossentropy")
        for _ in range(2):
            if look:
                doctor(model, data)
            past = model.fit(*pair(data.train), shuffle=False, verbose=0)
        return past.history["loss"]

    assert history(look=True) == history(look=False)


@pytest.mark.parametrize("timed", [False, True])
def test_random_states_are_left_as_they_are(data, timed):
    """What is drawn next is what would have been drawn without a doctor."""
    subjects = (trainer(), network(loss="mse"))

    def drawn(seen):
        keras.utils.set_random_seed(7)
        keras.random.uniform((1,))
        for subject in seen:
            doctor(subject, data, timed=timed)
        return [
            random.random(),
            np.random.random(),
            float(keras.random.uniform((1,))[0]),
            float(tf.random.uniform((1,))[0]),
        ]

    assert drawn(subjects) == drawn(())


def test_a_trainer_is_left_as_it_is(data):
    """A diagnosis does not change what a trainer would do."""
    one = trainer()
    before = str(one.plan(data))
    doctor(one, data)
    assert str(one.plan(data)) == before


# CK100: refused


def test_what_fit_would_refuse_is_found(data):
    """An error of the trainer that no other code names is passed on."""
    wrong = replace(PHASE_2, unfreeze="block_99")
    diagnosis = doctor(trainer(phase_2=wrong), data)
    assert grave(diagnosis, "CK100") == ["error"]
    assert "block_99" in str(diagnosis)
    assert grave(doctor(trainer(), data), "CK100") == []


def test_a_refusal_is_told_beside_other_errors(data):
    """Copies among the validation images do not say why `fit` would refuse."""
    copies = replace(data, validation=data.train)
    wrong = replace(PHASE_2, unfreeze="block_99")
    found = doctor(trainer(phase_2=wrong), copies)
    assert grave(found, "CK107") == ["error"]
    assert grave(found, "CK100") == ["error"]


# CK101: changed after compile


def fitted(data, *, frozen):
    """Return a model that took a step, and its backbone."""
    body = base(frozen=frozen)
    model = network(body, loss="sparse_categorical_crossentropy")
    model.fit(*pair(data.train.take(32)), batch_size=32, verbose=0)
    return model, body


@pytest.mark.parametrize("frozen", [True, False])
def test_a_flag_changed_after_compile_is_found_and_harms(data, frozen):
    """Keras goes on with the old flags, silently, until it is compiled again."""
    model, body = fitted(data, frozen=frozen)
    assert grave(doctor(model, data), "CK101") == []
    body.trainable = frozen
    assert grave(doctor(model, data), "CK101") == ["error"]
    kernel = body.layers[1].kernel
    before = kernel.numpy().copy()
    model.fit(*pair(data.train.take(32)), batch_size=32, verbose=0)
    assert np.array_equal(before, kernel.numpy()) == frozen  # the old flag still holds
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert grave(doctor(model, data), "CK101") == []


def test_a_flag_changed_before_the_first_step_is_fine(data):
    """Keras looks at the flags in the first step, so nothing is wrong before."""
    body = base()
    model = network(body, loss="sparse_categorical_crossentropy")
    body.trainable = False
    assert grave(doctor(model, data), "CK101") == []


# CK102: batch norm


def test_training_false_is_found_and_does_not_hold(data):
    """The statistics of a trainable base called with training=False drift."""
    model = network(training=False, loss="sparse_categorical_crossentropy")
    assert grave(doctor(model, data), "CK102") == ["warning"]
    before = norms(model)
    model.fit(*pair(data.train), verbose=0)
    assert not np.array_equal(before, norms(model))


def test_training_false_on_a_frozen_base_is_fine(data):
    """Frozen by its flags, a base may be called in any way."""
    body = base(frozen=True)
    model = network(body, training=False, loss="sparse_categorical_crossentropy")
    assert grave(doctor(model, data), "CK102") == []
    before = norms(model)
    model.fit(*pair(data.train), verbose=0)
    assert np.array_equal(before, norms(model))


def test_batch_norm_that_moves_in_a_frozen_part_is_found(data):
    """Frozen convolutions with trainable batch norms between them drift."""
    body = base()
    for layer in body.layers:
        layer.trainable = "norm" in layer.name
    model = network(body, loss="sparse_categorical_crossentropy")
    assert grave(doctor(model, data), "CK102") == ["warning"]
    before = norms(model)
    model.fit(*pair(data.train), verbose=0)
    assert not np.array_equal(before, norms(model))
    body.get_layer("norm_1").trainable = body.get_layer("conv_2").trainable = False
    body.get_layer("norm_2").trainable = False
    assert grave(doctor(model, data), "CK102") == []


def test_tiny_batches_beside_batch_norm_are_found(data):
    """Batches of four give poor statistics; frozen batch norm does not care."""
    tuned = replace(PHASE_2, unfreeze="all", learning_rate=1e-4, batch_size=4)
    held = replace(tuned, batch_norm="frozen")
    assert grave(doctor(trainer(phase_2=tuned), data), "CK102") == ["warning"]
    assert grave(doctor(trainer(phase_2=held), data), "CK102") == []
    model = network(loss="sparse_categorical_crossentropy")
    assert grave(doctor(model, data.train.to_tf(4)), "CK102") == ["warning"]


# CK103: range


def applied(name, scale=lambda image: image):
    """Return a network on a backbone of keras.applications."""
    image = keras.Input((32, 32, 3))
    body = getattr(keras.applications, name)(
        weights=None, include_top=False, input_shape=(32, 32, 3)
    )
    pooled = layers.GlobalAveragePooling2D()(body(scale(image)))
    return keras.Model(image, layers.Dense(4, activation="softmax")(pooled))


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("MobileNetV2", layers.Rescaling(1 / 127.5, -1), None),
        ("MobileNetV2", layers.Rescaling(1 / 127.5, -1), layers.Rescaling(1 / 255)),
        ("MobileNetV3Small", None, layers.Rescaling(1 / 255)),
        ("EfficientNetB0", None, layers.Rescaling(1 / 255)),
        ("ResNet50V2", layers.Rescaling(1 / 127.5, -1), None),
        ("VGG16", layers.Rescaling(1, -116.0), layers.Rescaling(1 / 255)),
        ("VGG16", layers.Rescaling(1, -116.0), None),
    ],
)
def test_a_wrong_scale_into_a_known_backbone_is_found(name, right, wrong):
    """The values that reach the first convolution are measured, and judged."""
    data = datasets.synthetic(n=50, size=32, classes=4)
    sound = doctor(applied(name, right or (lambda image: image)), data)
    assert grave(sound, "CK103") == []
    assert noted(sound, "CK103") == []
    planted = doctor(applied(name, wrong or (lambda image: image)), data)
    assert grave(planted, "CK103") != []


def test_unit_images_into_a_model_of_ours_are_found(data):
    """What cifarkit builds takes [0, 255], whichever way its weights were trained."""
    backbone = backbones.get("mobilenetv2", weights=None).build(96)
    model = models.assemble(backbone, heads.linear().build((3, 3, 1280), 4, seed=0))
    images, labels = pair(datasets.synthetic(n=50, size=32, classes=4).train)
    assert grave(doctor(model, (images, labels)), "CK103") == []
    assert grave(doctor(model, (images / 255, labels)), "CK103") == ["error"]


def test_unit_images_for_a_trainer_are_found(data):
    """A trainer takes [0, 255]: floats and integers of another scale are named."""
    images, labels = pair(data.train)
    for unit in (images / 255, (images > 127).astype("uint8")):
        diagnosis = doctor(trainer(), (unit, labels), validation=(unit, labels))
        assert grave(diagnosis, "CK103") == ["error"]
        assert grave(diagnosis, "CK100") == []
    sound = doctor(trainer(), (images, labels), validation=pair(data.validation))
    assert grave(sound, "CK103") == []


def test_missing_values_are_found(data):
    """A NaN anywhere among the images is found, not only in the first ones."""
    images, labels = pair(data.train)
    images[-1, 0, 0, 0] = np.nan
    model = network(loss="sparse_categorical_crossentropy")
    assert "error" in grave(doctor(model, (images, labels)), "CK103")


def test_validation_images_are_judged_too(data):
    """Another scale, a NaN, another shape: figures on them would mean nothing."""
    model = network(loss="sparse_categorical_crossentropy")
    images, labels = pair(data.train)
    others, theirs = pair(data.validation)
    unit = doctor(model, (images / 255, labels), validation=(others, theirs))
    assert "warning" in grave(unit, "CK103")
    others[-1, 0, 0, 0] = np.nan
    odd = doctor(model, (images, labels), validation=(others, theirs))
    assert "validation images are no finite" in str(odd)
    dark = doctor(trainer(), (images / 255, labels), validation=(others, theirs))
    assert "Multiply the images by 255" in str(dark)
    small = doctor(model, (images, labels), validation=(others[:, :8], theirs))
    assert "does not take validation images" in str(noted(small, "CK113"))


def test_a_preprocessing_of_ones_own_is_found(data):
    """Weights that were trained with another input than they are told to get."""
    backbone = backbones.get("mobilenetv2", preprocess="unit")
    diagnosis = doctor(trainer(backbone), data, validation=None)
    assert "warning" in grave(diagnosis, "CK103")


def test_unscaled_images_into_any_network_are_noted(data):
    """An unknown network without rescaling gets a note, one with it gets none."""
    plain = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(2, 3)])
    assert noted(doctor(network(plain), data), "CK103") != []
    assert noted(doctor(network(), data), "CK103") == []


# CK104: labels


@pytest.mark.parametrize(
    ("loss", "change", "options"),
    [
        ("sparse_categorical_crossentropy", lambda y: np.eye(4)[y], {}),
        ("categorical_crossentropy", lambda y: y, {}),
        (losses.CategoricalCrossentropy(), lambda y: y, {}),
        ("categorical_crossentropy", lambda y: np.eye(5)[y], {}),
        ("sparse_categorical_crossentropy", lambda y: y + 1, {}),
        ("sparse_categorical_crossentropy", lambda y: y - 1, {}),
    ],
)
def test_labels_that_stop_keras_are_found_before(data, loss, change, options):
    """Keras stops at these in the first step, and the doctor before it."""
    model = network(loss=loss, **options)
    images, labels = pair(data.train)
    assert grave(doctor(model, (images, change(labels))), "CK104") != []
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        model.fit(images, change(labels), verbose=0)


@pytest.mark.parametrize(
    ("loss", "change", "end", "outputs", "severity"),
    [
        ("binary_crossentropy", lambda y: np.eye(4)[y], "softmax", 4, "warning"),
        ("sparse_categorical_crossentropy", lambda y: y, "sigmoid", 4, "warning"),
        ("binary_crossentropy", lambda y: y, "sigmoid", 1, "error"),
        ("binary_crossentropy", lambda y: y // 2, "softmax", 1, "error"),
    ],
)
def test_labels_that_keras_takes_silently_are_found(
    data, loss, change, end, outputs, severity
):
    """Keras trains on these without an error."""
    model = network(loss=loss, end=end, outputs=outputs)
    images, labels = pair(data.train)
    labels = change(labels)
    assert grave(doctor(model, (images, labels)), "CK104") == [severity]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isfinite(model.evaluate(images, labels, verbose=0))


@pytest.mark.parametrize(
    ("loss", "change", "end", "outputs"),
    [
        ("sparse_categorical_crossentropy", lambda y: y, "softmax", 4),
        ("sparse_categorical_crossentropy", lambda y: y[:, None], "softmax", 4),
        ("categorical_crossentropy", lambda y: np.eye(4)[y], "softmax", 4),
        ("categorical_crossentropy", lambda y: np.eye(4)[y] * 0.9 + 0.025, None, 4),
        ("binary_crossentropy", lambda y: y // 2, "sigmoid", 1),
        ("binary_crossentropy", lambda y: np.eye(4)[y], "sigmoid", 4),
    ],
)
def test_labels_that_fit_pass(data, loss, change, end, outputs):
    """Every usual pairing of labels, loss and output is silent."""
    model = network(loss=loss, end=end, outputs=outputs)
    images, labels = pair(data.train)
    assert grave(doctor(model, (images, change(labels))), "CK104") == []


@pytest.mark.parametrize(
    "change", [lambda y: np.eye(4)[y], lambda y: y + 1, lambda y: y.astype(str)]
)
def test_validation_labels_are_judged_too(data, change):
    """`fit` stops at them at the end of its first epoch, an hour later."""
    model = network(loss="sparse_categorical_crossentropy")
    others, theirs = pair(data.validation)
    found = doctor(model, pair(data.train), validation=(others, change(theirs)))
    assert grave(found, "CK104") == ["error"]
    assert "validation labels" in str(found)
    wide = network(loss="sparse_categorical_crossentropy", outputs=9)  # which is noted
    found = doctor(wide, pair(data.train), validation=(others, theirs - 1))
    assert grave(found, "CK104") == ["error"]


@pytest.mark.parametrize("change", [lambda y: y.astype(str), lambda y: None])
def test_labels_that_are_words_or_missing_are_found(data, change):
    """A plain network can learn from neither."""
    model = network(loss="sparse_categorical_crossentropy")
    images, labels = pair(data.train)
    found = doctor(model, (images, change(labels)))
    assert grave(found, "CK104") == ["error"]
    assert grave(doctor(network(), (images, None)), "CK104") == []  # nothing is asked


def test_several_classes_an_image_and_numbers_to_estimate_pass(data):
    """Neither multi-label classification nor regression is called wrong."""
    images, labels = pair(data.train)
    several = np.eye(4)[labels]
    several[:, 0] = 1
    model = network(loss="binary_crossentropy", end="sigmoid")
    found = doctor(model, (images, several))
    assert grave(found, "CK104") == grave(found, "CK112") == []
    wide = network(loss="binary_crossentropy", end="sigmoid", outputs=5)
    assert grave(doctor(wide, (images, several)), "CK104") == ["error"]
    scalar = network(loss="mse", end=None, outputs=1)
    found = doctor(scalar, (images, labels * 30))
    assert grave(found, "CK104") == grave(found, "CK112") == []


def test_a_whole_network_with_other_outputs_is_found(data):
    """A trainer's network from scratch must have one output for each class."""
    phase = Phase(epochs=1, learning_rate=1e-3)
    wrong = TwoPhaseTrainer(models.cnn("s0-cnn", classes=3), phase_1=phase)
    assert grave(doctor(wrong, data), "CK104") == ["error"]
    assert noted(doctor(network(outputs=9), data), "CK104") != []


# CK105: logits


def loss_value(model, images, labels):
    """Return the loss of one evaluation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.evaluate(images, labels, verbose=0)


def test_logits_given_as_probabilities_are_found_and_harm(data):
    """A linear output without from_logits gives another loss than the right one."""
    images, labels = pair(data.train)
    wrong = network(end=None, loss="sparse_categorical_crossentropy")
    assert grave(doctor(wrong, data), "CK105") == ["error"]
    value = loss_value(wrong, images, labels)
    wrong.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    assert grave(doctor(wrong, data), "CK105") == []
    assert value != pytest.approx(loss_value(wrong, images, labels), rel=1e-3)


@pytest.mark.parametrize("kind", [list, dict])
def test_a_loss_in_a_list_of_one_is_looked_at(kind, data):
    """Keras takes a list or a dictionary, too."""
    model = network()

    def compiled(loss):
        model.compile("sgd", [loss] if kind is list else {model.output_names[0]: loss})
        return doctor(model, pair(data.train))

    logits = losses.SparseCategoricalCrossentropy(from_logits=True)
    assert grave(compiled(logits), "CK105") == ["warning"]
    assert grave(compiled("categorical_crossentropy"), "CK104") == ["error"]
    right = compiled("sparse_categorical_crossentropy")
    assert grave(right, "CK104") == grave(right, "CK105") == []


def test_softmax_and_from_logits_are_found(data):
    """TensorFlow mends it where softmax comes last, so the loss is right there."""
    images, labels = pair(data.train)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model = network(loss=loss)
    assert grave(doctor(model, data), "CK105") == ["warning"]
    value = loss_value(model, images, labels)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert grave(doctor(model, data), "CK105") == []
    assert value == pytest.approx(loss_value(model, images, labels))


def test_softmax_behind_which_something_comes_is_worse(data):
    """With one more layer TensorFlow does not mend it: softmax is applied twice."""
    images, labels = pair(data.train)
    inner = network()
    model = keras.Model(inner.inputs[0], layers.Reshape((4,))(inner.outputs[0]))
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    assert grave(doctor(model, data), "CK105") == ["error"]
    value = loss_value(model, images, labels)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert value != pytest.approx(loss_value(model, images, labels), rel=1e-4)


def test_from_logits_in_a_phase_is_found(data):
    """A trainer's head ends in a softmax, so no phase may ask for logits."""
    loss = losses.CategoricalCrossentropy(from_logits=True)
    wrong = trainer(phase_1=replace(PHASE_1, loss=loss))
    assert grave(doctor(wrong, data), "CK105") == ["warning"]
    assert grave(doctor(trainer(), data), "CK105") == []


# CK106: caches


def flipped(images, labels):
    """Flip a batch at random."""
    return tf.image.random_flip_left_right(images), labels


def flipped_by_a_layer():
    """Return the same with a layer of Keras."""
    layer = layers.RandomFlip("horizontal", seed=1)
    return lambda images, labels: (layer(images, training=True), labels)


def test_randomness_before_a_cache_is_found_and_harms(data):
    """Behind a cache, a random flip is the same in every epoch."""
    batches = data.train.to_tf(16)
    model = network(loss="sparse_categorical_crossentropy")
    for change in (flipped, flipped_by_a_layer()):
        wrong = batches.map(change).cache().prefetch(1)
        assert grave(doctor(model, wrong), "CK106") == ["warning"]
        first, second = (np.concatenate([x for x, _ in wrong]) for _ in range(2))
        assert np.array_equal(first, second)
        right = batches.cache().map(change)
        assert grave(doctor(model, right), "CK106") == []
    assert noted(doctor(model, batches.shuffle(9).cache()), "CK106") != []


def test_random_layers_in_a_part_that_could_run_once_are_found(data):
    """Computed ahead, random layers of a backbone would do nothing: it runs live."""
    body = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.RandomFlip(), layers.Conv2D(4, 3)]
    )
    backbone = backbones.wrap(body, preprocess="unit")
    phase = Phase(epochs=2, learning_rate=1e-3)
    options = {"phase_1": phase, "phase_2": None}
    diagnosis = doctor(trainer(backbone, **options), data)
    assert grave(diagnosis, "CK106") == ["warning"]
    live = doctor(trainer(backbone, **options, cache="never"), data)
    assert grave(live, "CK106") == []
    top = [layers.Flatten(), layers.Dense(4, "softmax")]
    whole = keras.Sequential([keras.Input((16, 16, 3)), layers.RandomFlip(), *top])
    alone = doctor(TwoPhaseTrainer(whole, phase_1=phase), data)
    assert grave(alone, "CK106") == []


def test_what_cannot_be_kept_is_noted_with_its_cost(data):
    """Crops make endlessly many views; flips make two."""
    crops = trainer(augment=[augment.flip(), augment.crop(2)])
    (note,) = noted(doctor(crops, data), "CK106")
    epochs = PHASE_1.epochs + PHASE_2.epochs
    assert f"{len(data.train) * epochs:,} images in {epochs} epochs" in note
    assert noted(doctor(trainer(), data), "CK106") == []
    whole = replace(PHASE_2_HERE, unfreeze="all", learning_rate=1e-4)
    (note,) = noted(
        doctor(trainer(augment=augment.crop(2), phase_2=whole), data), "CK106"
    )
    assert f"in {PHASE_1.epochs} epochs" in note  # nothing is frozen in phase 2
    stream = doctor(trainer(), data.train.to_tf(16), validation=pair(data.validation))
    assert "stream" in noted(stream, "CK106")[0]


# CK107: duplicates


def test_images_in_two_parts_are_found(data):
    """One image too many is found and named, whatever its type."""
    copied = data.validation.images.copy()
    copied[3] = data.train.images[5]
    leaking = replace(data, validation=replace(data.validation, images=copied))
    diagnosis = doctor(trainer(), leaking)
    assert grave(diagnosis, "CK107") == ["error"]
    assert "5 = 3" in str(diagnosis)
    model = network(loss="sparse_categorical_crossentropy")
    floats = doctor(model, pair(leaking.train), validation=leaking.validation)
    assert grave(floats, "CK107") == ["error"]
    assert grave(doctor(trainer(), data), "CK107") == []


def test_a_few_duplicates_are_a_warning():
    """One of 200 is worth a look; it does not spoil the figures."""
    numbers = np.arange(400)
    images = np.zeros((400, 8, 8, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = numbers // 2, numbers % 2
    images[399] = images[0]
    labels = numbers % 4
    pairs = [(images[part], labels[part]) for part in (slice(200), slice(200, 400))]
    small = backbones.wrap(
        keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)]),
        preprocess="unit",
    )
    diagnosis = doctor(trainer(small), pairs[0], validation=pairs[1])
    assert grave(diagnosis, "CK107") == ["warning"]


# CK103, once more: whose preprocessing it is


@pytest.mark.parametrize(("mode", "expected"), [("tf", []), ("caffe", ["warning"])])
def test_the_preprocessing_of_a_wrapped_network_is_measured(mode, expected):
    """What a wrap was told may be wrong for the network in it."""
    data = datasets.synthetic(n=60, size=64, classes=4)
    whole = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(64, 64, 3), alpha=0.35
    )
    wrapped = backbones.wrap(whole, preprocess=mode)
    found = doctor(TwoPhaseTrainer(wrapped, heads.classifier()), data)
    assert grave(found, "CK103") == expected


def test_a_name_alone_is_no_preprocessing_of_ours():
    """A user's layer may begin with the same letters."""
    data = datasets.synthetic(n=60, size=32, classes=4)
    options = {"weights": None, "include_top": False, "alpha": 0.35}
    body = keras.applications.MobileNetV2(input_shape=(32, 32, 3), **options)
    scaled = layers.Rescaling(1 / 255, name="preprocessing")
    top = [layers.GlobalAveragePooling2D(), layers.Dense(4, "softmax")]
    model = keras.Sequential([keras.Input((32, 32, 3)), scaled, body, *top])
    model.compile("adam", "sparse_categorical_crossentropy")
    assert grave(doctor(model, pair(data.train)), "CK103") == ["warning"]


def test_standardised_images_are_measured_too():
    """They are neither in [0, 1] nor in [0, 255]; VGG wants another scale."""
    images, labels = pair(datasets.synthetic(n=60, size=32, classes=4).train)
    images = (images - images.mean()) / images.std()
    options = {"weights": None, "input_shape": (32, 32, 3), "include_top": False}
    body = keras.applications.VGG16(**options)
    top = [layers.GlobalAveragePooling2D(), layers.Dense(4, "softmax")]
    model = keras.Sequential([keras.Input((32, 32, 3)), body, *top])
    model.compile("adam", "sparse_categorical_crossentropy")
    assert grave(doctor(model, (images, labels)), "CK103") == ["warning"]


def test_a_network_of_ours_may_be_wrapped_again():
    """It brings its preprocessing along, whatever its layers are called."""
    data = datasets.synthetic(n=60, size=64, classes=4)
    ours = backbones.get("mobilenetv2", weights=None, preprocess="torch").build(64)
    made = TwoPhaseTrainer(backbones.wrap(ours, preprocess="raw"), heads.classifier())
    assert grave(doctor(made, data), "CK103") == []


# CK102, once more: heads and networks without a backbone


def test_a_batch_norm_of_the_head_on_a_frozen_map_is_sound(data):
    """It stands behind all frozen weights, and should learn."""
    image = keras.Input((16, 16, 3))
    maps = layers.BatchNormalization()(base(frozen=True)(image))
    pooled = layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(image, layers.Dense(4, "softmax")(pooled))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert grave(doctor(model, pair(data.train)), "CK102") == []


def test_few_images_at_a_time_are_few_for_any_batch_norm(data):
    """Those of a head, and those of a network without a backbone."""
    few = Phase(epochs=2, learning_rate=1e-3, batch_size=4)
    wrapped = backbones.wrap(base(), preprocess="raw")
    normed = heads.classifier(hidden=(8,), batch_norm=True)
    for head, expected in (normed, ["warning"]), (heads.linear(), []):
        made = TwoPhaseTrainer(wrapped, head, phase_1=few, phase_2=None)
        assert grave(doctor(made, data), "CK102") == expected
    whole = models.cnn("s3-augmented", classes=4, size=16)
    assert grave(doctor(TwoPhaseTrainer(whole, phase_1=few), data), "CK102") == [
        "warning"
    ]


# CK108: the last map


def test_an_average_over_the_whole_map_is_pooling(data):
    """That one point is flattened then says nothing of the map."""
    image = keras.Input((16, 16, 3))
    for average in (
        layers.AveragePooling2D(8),
        layers.GlobalAveragePooling2D(keepdims=True),
    ):
        maps = layers.Conv2D(4, 3, 2, padding="same")(image)
        flat = layers.Flatten()(layers.Conv2D(4, 1)(average(maps)))
        model = keras.Model(image, layers.Dense(4, "softmax")(flat))
        model.compile("sgd", "sparse_categorical_crossentropy")
        assert grave(doctor(model, pair(data.train)), "CK108") == []


def test_a_single_point_at_the_end_is_found(data):
    """Five strides leave one point of 32 pixels; larger images leave more."""
    backbone = backbones.get("mobilenetv2", weights=None)
    small = datasets.synthetic(n=50, size=32, classes=4)
    assert grave(doctor(trainer(backbone), small), "CK108") == ["warning"]
    assert grave(doctor(applied("MobileNetV2"), small), "CK108") == ["warning"]
    assert grave(doctor(trainer(), data), "CK108") == []
    assert grave(doctor(network(), data), "CK108") == []


def test_the_last_map_of_open_size_is_measured(data):
    """A network for images of any size is judged by the images that it gets."""
    body = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 3, strides=8, padding="same"),
        ]
    )
    image = keras.Input((None, None, 3))
    pooled = layers.GlobalAveragePooling2D()(body(image))
    model = keras.Model(image, layers.Dense(4, activation="softmax")(pooled))
    images, labels = pair(data.train)
    assert grave(doctor(model, (images, labels)), "CK108") == []
    cropped = images[:, :8, :8]
    assert grave(doctor(model, (cropped, labels)), "CK108") == ["warning"]


def test_a_point_that_convolutions_look_at_is_too_small():
    """DenseNet's last block runs on one point of images of 32 pixels."""
    data = datasets.synthetic(n=60, size=32, classes=4)
    options = {"weights": None, "include_top": False, "input_shape": (32, 32, 3)}
    body = keras.applications.DenseNet121(**options)
    top = [layers.Flatten(), layers.Dense(4, "softmax")]
    model = keras.Sequential([keras.Input((32, 32, 3)), body, *top])
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert grave(doctor(model, pair(data.train)), "CK108") == ["warning"]


# CK109: rates


def test_a_convolution_of_the_head_learns_as_it_likes():
    """The base is frozen; one before it is no part of it either."""
    data = datasets.synthetic(n=50, size=32, classes=4)
    body = applied("MobileNetV2").layers[1]
    image = keras.Input((32, 32, 3))
    scaled = layers.Rescaling(1 / 127.5, -1)(image)
    maps = layers.Conv2D(8, 1)(body(layers.Conv2D(3, 1)(scaled)))
    pooled = layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(image, layers.Dense(4, "softmax")(pooled))
    for trainable, expected in (False, 0), (True, 1):
        body.trainable = trainable
        rate = keras.optimizers.Adam(1e-2)
        model.compile(rate, "sparse_categorical_crossentropy")
        assert len(grave(doctor(model, data), "CK109")) == expected


def test_layers_that_were_not_pretrained_forget_nothing():
    """Random weights want the rates of a training from scratch."""
    data = datasets.synthetic(n=60, size=64, classes=4)
    fast = replace(PHASE_2, unfreeze="all", learning_rate=2e-3)
    backbone = backbones.get("mobilenetv2", weights=None)
    made = TwoPhaseTrainer(backbone, heads.classifier(), phase_2=fast)
    assert grave(doctor(made, data), "CK109") == []


def test_a_stream_sorted_by_class_is_not_called_unbalanced(data, monkeypatch):
    """Only its first images are read, which may be of few classes."""
    monkeypatch.setattr("cifarkit.doctoring._part.MOST", 16)
    order = np.argsort(data.train.labels)
    images, labels = data.train.images[order], data.train.labels[order]
    stream = tf.data.Dataset.from_tensor_slices((images, np.eye(4)[labels])).batch(8)
    model = network(loss="categorical_crossentropy")
    assert grave(doctor(model, stream), "CK112") == []


def test_short_names_of_losses_are_known(data):
    """Keras takes "bce" for binary cross-entropy."""
    long = doctor(network(loss="binary_crossentropy"), pair(data.train))
    short = doctor(network(loss="bce"), pair(data.train))
    assert grave(short, "CK104") == grave(long, "CK104") != []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"learning_rate": 5e-3}, ["warning"]),
        ({"learning_rate": 1e-2}, ["error"]),
        ({"unfreeze": "all", "learning_rate": 1e-3}, ["warning"]),
        ({"unfreeze": "all", "learning_rate": 3e-4}, []),
        ({"unfreeze": "all", "learning_rate": 1e-3, "rate_decay": 0.5}, []),
        ({"learning_rate": 3e-3, "rate_decay": 0.5}, []),
        ({"optimizer": "lion", "learning_rate": 1e-3}, ["warning"]),
        ({"optimizer": "sgd", "learning_rate": 0.1}, []),
        (
            {
                "optimizer": keras.optimizers.SGD(momentum=0.9),
                "learning_rate": 0.1,
                "weight_decay": None,
            },
            ["error"],
        ),
        ({"optimizer": "adagrad", "learning_rate": 0.1}, []),
        ({"unfreeze": None, "learning_rate": 1e-2}, []),
    ],
)
def test_a_rate_too_high_for_pretrained_layers_is_found(data, change, expected):
    """Limits hold by optimizer and by how much learns, where anything learns."""
    phase = replace(PHASE_2, unfreeze=1, snap=False)
    diagnosis = doctor(trainer(phase_2=replace(phase, **change)), data)
    assert grave(diagnosis, "CK109") == expected


def test_the_rate_of_a_plain_model_is_looked_at():
    """Keras' default rate is too high for a whole pretrained backbone."""
    data = datasets.synthetic(n=50, size=32, classes=4)
    model = applied("MobileNetV2", layers.Rescaling(1 / 127.5, -1))
    body = next(each for each in model.layers if "mobilenet" in each.name)
    schedule = keras.optimizers.schedules.CosineDecay(1e-5, 100, warmup_target=1e-3)
    for rate, expected in ((1e-3, 1), (schedule, 1), (1e-5, 0)):
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        assert len(grave(doctor(model, data), "CK109")) == expected
    body.trainable = False
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    assert grave(doctor(model, data), "CK109") == []


# CK110: forecast


def test_the_forecast_says_what_is_measured(data):
    """Seconds are there if they were asked for, and megabytes always."""
    (quick,) = noted(doctor(trainer(), data), "CK110")
    (slow,) = noted(doctor(trainer(), data, timed=True), "CK110")
    assert "MiB" in quick
    assert " s in all" not in quick
    assert " s in all" in slow


def test_the_memory_of_parameters_is_counted():
    """A million parameters that learn take four times four megabytes."""
    model = keras.Sequential([keras.Input((512,)), layers.Dense(2048, use_bias=False)])
    images = np.zeros((4, 2, 2, 3), np.uint8)
    (note,) = noted(doctor(model, (images, np.arange(4))), "CK110")
    assert "moments: 16 MiB" in note
    model.trainable = False
    (note,) = noted(doctor(model, (images, np.arange(4))), "CK110")
    assert "moments: 4 MiB" in note


# CK111: validation


def test_missing_validation_is_found(data):
    """An error where fit refuses, a warning where a choice is made, else a note."""
    images = pair(data.train)
    one = Phase(epochs=1, learning_rate=1e-3)
    watched = replace(one, patience=2)
    stopped = doctor(trainer(phase_1=watched, phase_2=None), images)
    assert grave(stopped, "CK111") == ["error"]
    assert grave(stopped, "CK100") == []
    assert grave(doctor(trainer(), images), "CK111") == ["warning"]
    assert grave(doctor(trainer(phase_1=one, phase_2=None), images), "CK111") == []
    assert noted(doctor(network(), images), "CK111") != []
    assert grave(doctor(trainer(), data), "CK111") == []


# CK112: balance


def test_unbalanced_classes_are_found(data):
    """Ten times as many are too many, unless classes are weighed or none is rare."""
    rare = np.flatnonzero(data.train.labels == 3)[1:]
    uneven = data.train.select(np.setdiff1d(np.arange(len(data.train)), rare))
    assert np.bincount(uneven.labels).max() >= 10
    splits = replace(data, train=uneven)
    weighed = {
        "phase_1": replace(PHASE_1, class_weight="balanced"),
        "phase_2": replace(PHASE_2, class_weight="balanced"),
    }
    assert grave(doctor(trainer(), splits), "CK112") == ["warning"]
    assert grave(doctor(trainer(**weighed), splits), "CK112") == []
    assert grave(doctor(trainer(), data), "CK112") == []


# CK114: in training unless told


def resized(told, nested, frozen):
    """Return a model that resizes inside, with and without a word of training."""
    images = keras.Input((8, 8, 3))
    options = {} if told is None else {"training": told}
    pixels = keras.layers.Resizing(4, 4)(images, **options)
    norm = keras.layers.BatchNormalization(trainable=not frozen)
    maps = norm(pixels)
    start = keras.Input((4, 4, 3)) if nested else maps
    dropped = keras.layers.Dropout(0.5)(keras.layers.Flatten()(start))
    outputs = keras.layers.Dense(3, "softmax")(dropped)
    if nested:
        outputs = keras.Model(start, outputs)(maps)
    return keras.Model(images, outputs)


@pytest.mark.parametrize("told", [None, False])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_call_in_training_is_found_and_differs(told, nested, frozen):
    """What is found is what a call without a word of training shows."""
    model = resized(told, nested, frozen)
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)
    labels = np.arange(6) % 3
    found = grave(doctor(model, (images, labels)), "CK114")
    pixels = images.astype(np.float32)
    called = keras.ops.convert_to_numpy(model(pixels))
    same = np.allclose(called, model.predict(pixels, verbose=0), atol=1e-5)
    assert (found == []) == same
    assert (found == []) == (told is False or (frozen and not nested))


def test_a_model_of_ours_is_called_for_inference():
    """An assembled model tells its resize."""
    options = {"weights": None, "include_top": False, "input_shape": (32, 32, 3)}
    body = keras.applications.MobileNetV2(**options)
    head = heads.classifier().build(tuple(body.output_shape[1:]), 3, seed=0)
    images = np.zeros((3, 8, 8, 3), np.uint8)
    found = doctor(models.assemble(body, head, native=(8, 8)), (images, np.arange(3)))
    assert grave(found, "CK114") == []


# CK113: not looked at


def test_what_was_not_looked_at_is_said(data):
    """A subclass has no graph, and images of another shape cannot be run."""

    class Own(keras.Model):
        def call(self, images):
            return images

    assert noted(doctor(Own(), data), "CK113") != []
    images, labels = pair(data.train)
    model = network(loss="sparse_categorical_crossentropy")
    assert noted(doctor(model, (images[:, :9], labels)), "CK113") != []
    assert noted(doctor(model, (images, labels)), "CK113") == []


def test_python_code_before_a_cache_is_said_to_be_dark(data):
    """It may draw what it likes; behind the cache it may."""
    model = network(loss="sparse_categorical_crossentropy")

    def moved(images, labels):
        drawn = tf.numpy_function(
            lambda x: x + np.float32(np.random.default_rng().random()),
            [images],
            tf.float32,
        )
        return tf.ensure_shape(drawn, images.shape), labels

    batches = data.train.to_tf(16)
    assert noted(doctor(model, batches.map(moved).cache()), "CK113") != []
    assert noted(doctor(model, batches.cache().map(moved)), "CK113") == []


# The values


def test_what_is_no_training_is_refused(data):
    """Other subjects and other data are named."""
    with pytest.raises(InvalidArgument, match="received str"):
        doctor("mobilenetv2", data)
    with pytest.raises(InvalidArgument, match="received int"):
        doctor(network(), 3)
    with pytest.raises(InvalidData, match="at least one"):
        doctor(network(), (np.zeros((0, 16, 16, 3)), np.zeros(0, int)))
    with pytest.raises(InvalidData, match=re.escape("(N, H, W, C)")):
        doctor(network(), (np.zeros((2, 16, 16)), np.zeros(2)))


def test_findings_are_checked():
    """A finding has a code, a severity and something to say."""
    sound = Finding("CK112", "note", "Few", "Three.", "Add some.")
    for field, value in (("code", "X1"), ("severity", "bad"), ("advice", "")):
        with pytest.raises(InvalidArgument, match="Expected a code"):
            replace(sound, **{field: value})


def test_a_diagnosis_is_sorted_printable_and_json():
    """The worst comes first; text and JSON hold everything."""
    note = Finding("CK110", "note", "Time", "An hour. " * 20, "Wait.")
    error = Finding("CK112", "error", "Few", "Three.", "Add some.")
    diagnosis = Diagnosis((note, error))
    assert diagnosis.findings == (error, note)
    assert not diagnosis.ok
    assert Diagnosis((note,)).ok
    text = str(diagnosis)
    assert text.startswith("1 error, no warnings, 1 note")
    assert all(len(line) <= 88 for line in text.splitlines())
    assert json.loads(json.dumps(diagnosis.to_dict()))["findings"][0] == error.to_dict()


def test_every_code_has_a_paragraph():
    """The documentation explains the codes that there are, and no others."""
    written = re.findall(r"^### (CK\d{3}):", DOCS.read_text(encoding="utf-8"), re.M)
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCE.glob("*.py"))
    emitted = set(re.findall(r'"(CK\d{3})",', code.replace('("CK', '"CK')))
    assert written == sorted(emitted)


def test_numbers_that_are_no_classes_are_said_to_be_none():
    """Identifiers as labels would need more memory than there is to be counted."""
    images = np.zeros((8, 16, 16, 3), np.uint8)
    model = network(loss="sparse_categorical_crossentropy")
    found = doctor(model, (images, np.full(8, 20_230_115_001)))
    assert grave(found, "CK104") == ["error"]


def test_fractions_are_no_class_numbers(data):
    """They are not cut off and taken for 0."""
    model = network(loss="sparse_categorical_crossentropy")
    found = doctor(model, (data.train.images, np.linspace(0, 1, len(data.train))))
    assert grave(found, "CK104") == ["error"]
    assert grave(found, "CK112") == []


def test_names_are_counted():
    """A trainer takes class names; rare ones are rare all the same."""
    images = np.zeros((60, 16, 16, 3), np.uint8)
    names = np.array(["cat"] * 58 + ["dog"] * 2)
    one = Phase(epochs=1)
    found = doctor(trainer(phase_1=one, phase_2=None), (images, names))
    assert grave(found, "CK112") == ["warning"]


def test_no_data_are_refused_as_what_they_are(data):
    """Nothing is no training set, with validation images or without."""
    for others in (None, pair(data.validation)):
        with pytest.raises(InvalidArgument, match="received NoneType"):
            doctor(network(), None, validation=others)


@pytest.mark.parametrize("labels", [[0] * 7, None])
def test_labels_of_another_number_are_refused(labels):
    """`fit` would stop at once; the doctor is not silent."""
    images = np.zeros((8, 16, 16, 3), np.uint8)
    with pytest.raises(InvalidData, match="one label for each of 8"):
        doctor(network(), (images, np.array(labels)))
