"""The trainer: each trap of two-phase training, and what a user may hand it."""

import contextlib
import gc
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifarkit import (
    Phase,
    TrainResult,
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    evaluate,
    heads,
    models,
)
from cifarkit._errors import (
    CorruptFile,
    InvalidArgument,
    InvalidData,
    SourceError,
    TrainingError,
    UnknownName,
)
from cifarkit.activations import Activations, Cache
from cifarkit.training import _provenance, _saving
from cifarkit.training._batches import Batches
from cifarkit.training._fed import Fed, _Augmented
from cifarkit.training._inputs import data_of
from cifarkit.training._network import pretrained
from cifarkit.training._optimizing import optimizer_of
from cifarkit.training._result import PhaseResult
from cifarkit.training._snapshot import seeds_of
from cifarkit.training._watching import kept_epoch

QUICK = {"epochs": 1, "learning_rate": 1e-3, "batch_size": 32}


def tiny(momentum=0.99):
    """Return a small backbone of two blocks with batch norm."""
    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(
                4, 3, padding="same", kernel_initializer=glorot(1), name="block_1_conv"
            ),
            layers.BatchNormalization(momentum=momentum, name="block_1_norm"),
            layers.ReLU(name="block_1_relu"),
            layers.Conv2D(
                8,
                3,
                strides=2,
                padding="same",
                kernel_initializer=glorot(2),
                name="block_2_conv",
            ),
            layers.BatchNormalization(momentum=momentum, name="block_2_norm"),
            layers.ReLU(name="block_2_relu"),
        ],
        name="tiny",
    )
    return backbones.wrap(model, preprocess="unit")


ENDS = ("on_batch_end", "on_train_batch_end")


@pytest.fixture(scope="module")
def data():
    """A small set of learnable images."""
    return datasets.synthetic(n=400, size=16, classes=4)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A store that has no activations of other tests."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))


def trainer(phase_1=None, phase_2=None, **options):
    """Return a silent trainer of a tiny backbone."""
    options = {"verbose": 0, "augment": ()} | options
    return TwoPhaseTrainer(
        tiny(),
        heads.linear(),
        phase_1=phase_1 or Phase(**QUICK),
        phase_2=phase_2,
        **options,
    )


def test_no_step_waits_for_what_a_training_watches(data, monkeypatch):
    """Keras fetches each step's loss from a GPU where a callback wants its end."""
    given, fit = [], Fed.fit

    def noting(self, *args, **options):
        given.extend(options["callbacks"])
        return fit(self, *args, **options)

    monkeypatch.setattr(Fed, "fit", noting)
    phase = Phase(**QUICK, schedule="plateau", patience=1, weight_averaging=0.9)
    trainer(phase).fit(data)
    unset = keras.callbacks.Callback
    assert len(given) == 6
    for each in given:
        wanted = [getattr(type(each), name) for name in ENDS]
        assert getattr(each, "async_safe", False) or wanted == [
            getattr(unset, name) for name in ENDS
        ]


def norms(model):
    """Return the moving statistics of each batch norm of the backbone, by name."""
    backbone = next(layer for layer in model.layers if layer.name == "tiny")
    return {
        layer.name: np.concatenate([layer.moving_mean, layer.moving_variance])
        for layer in backbone.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }


def test_trap_1_frozen_batch_norm_does_not_drift(data):
    """With every other layer unfrozen, frozen statistics stay equal to the bit."""
    phase = Phase(**QUICK, unfreeze="all", batch_norm="frozen")
    result = trainer(phase_2=phase).fit(data)
    for statistics in norms(result.model).values():
        channels = len(statistics) // 2
        assert statistics.tolist() == [0.0] * channels + [1.0] * channels


def test_trap_1_tuned_batch_norm_learns_where_it_is_unfrozen(data):
    """The tuned policy moves the statistics of unfrozen blocks, and no others."""
    phase = Phase(**QUICK, unfreeze="block_2_conv", batch_norm="tuned")
    found = norms(trainer(phase_2=phase).fit(data).model_after(2))
    assert not np.any(found["block_1_norm"][:4])
    assert np.any(found["block_2_norm"][:8])


@pytest.mark.parametrize(
    ("momentum", "least", "most"), [("auto", 0, 0.2), (0.8, 0, 0.2), (None, 0.9, 1)]
)
def test_trap_1_tuned_statistics_arrive_within_a_short_phase(
    data, momentum, least, most
):
    """After 60 steps they are those of the new images, unless told to be slow."""
    phase = Phase(
        epochs=3,
        batch_size=16,
        learning_rate=1e-9,
        unfreeze="all",
        batch_norm="tuned",
        bn_momentum=momentum,
    )
    made = TwoPhaseTrainer(
        tiny(0.999), heads.linear(), phase_1=phase, phase_2=None, augment=(), verbose=0
    )
    trunk = made.fit(data).model.get_layer("tiny")
    norm = trunk.get_layer("block_1_norm")
    before = keras.Model(trunk.input, norm.input)
    maps = before.predict(data.train.images.astype("float32"), verbose=0)
    wanted = maps.mean(axis=(0, 1, 2))
    missing = np.linalg.norm(norm.moving_mean - wanted) / np.linalg.norm(wanted)
    assert least <= missing <= most
    assert norm.momentum == 0.999


def test_trap_1_a_batch_norm_that_moves_stops_training(data):
    """Whoever unfreezes a batch norm during training is told so."""

    class Unfreezing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            layer = self.model.network.get_layer("tiny").get_layer("block_1_norm")
            layer.moving_mean.assign(layer.moving_mean + 1.0)

    with pytest.raises(TrainingError, match="'block_1_norm' to keep its weights"):
        trainer().fit(data, callbacks=[Unfreezing()])


def test_trap_1_a_frozen_layer_that_moves_stops_training(data):
    """Keras' spectral norm changes its kernel in training, frozen or not."""
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3), name="spectral"),
    ]
    body = backbones.wrap(keras.Sequential(layers), preprocess="unit")
    options = {"phase_1": Phase(**QUICK), "phase_2": None, "verbose": 0}
    made = TwoPhaseTrainer(body, heads.linear(), cache="never", **options)
    with pytest.raises(TrainingError, match="'spectral' to keep its weights"):
        made.fit(data)


def test_trap_2_unfreezing_takes_effect(data):
    """Phase 2 moves the weights of unfrozen layers and leaves the frozen ones."""
    result = trainer(phase_2=Phase(**QUICK, unfreeze="block_2_conv")).fit(data)
    before, after = (
        {weight.path: np.array(weight) for weight in result.model_after(n).weights}
        for n in (1, 2)
    )
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    assert any("block_2_conv/kernel" in path for path in moved)
    assert not any("block_1" in path for path in moved)


def test_trap_2_phase_1_leaves_the_backbone_alone(data):
    """In phase 1 only the head moves."""
    source = tiny()
    fixed = TwoPhaseTrainer(
        source, heads.linear(), phase_1=Phase(**QUICK), phase_2=None, verbose=0
    )
    tuned = fixed.fit(data).model.get_layer("tiny").get_weights()
    built = source.build(16).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(tuned, built, strict=True))


def test_trap_3_images_between_0_and_1_are_refused(data):
    """Scaled images are named as such, with what to do."""
    scaled = data.train.images / 255.0
    with pytest.raises(InvalidData, match="255"):
        trainer().fit((scaled, data.train.labels))


def test_trap_4_a_phase_that_harms_is_not_kept(data):
    """After a ruinous second phase the model is the first one's."""
    good = Phase(epochs=8, learning_rate=1e-2, batch_size=32)
    ruin = Phase(epochs=1, learning_rate=9.0, optimizer="sgd", schedule="constant")
    result = trainer(good, ruin).fit(data)
    first, second = (phase.validation_accuracy for phase in result.phases)
    assert first > second
    assert result.kept == 1
    kept = zip(result.model.get_weights(), result.phases[0].weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in kept)


def test_trap_4_patience_takes_back_the_best_epoch(data):
    """The kept epoch has the lowest validation loss; its weights are the model's."""
    phase = Phase(
        epochs=9, learning_rate=3.0, schedule="constant", patience=2, batch_size=32
    )
    result = trainer(phase).fit(data)
    losses = result.phases[0].history["val_loss"]
    assert result.phases[0].kept_epoch == len(losses) - 3, losses
    assert result.phases[0].kept_epoch == int(np.argmin(losses))
    again = evaluate(result.model, data.validation).loss
    assert again == pytest.approx(min(losses), rel=1e-3)


def test_trap_5_the_last_50_of_mobilenetv2_snap_to_a_block():
    """50 layers begin inside block 11; the plan says 56, from its start."""
    made = TwoPhaseTrainer(
        backbones.get("mobilenetv2", weights=None, size=64),
        heads.classifier(),
        phase_2=Phase(**QUICK, unfreeze=50),
        verbose=0,
    )
    plan = made.plan(datasets.synthetic(n=40, size=32, classes=4))
    assert plan.phases[1].backbone.layers[0] == 56
    assert "block_11_expand (block_11)" in str(plan)
    assert plan.phases[0].backbone.layers[0] == 0


def test_trap_6_nothing_in_the_training_step_switches_compilation_off(
    data, monkeypatch
):
    """The whole fed network supports jit, augmentation and bicubic resize included."""
    path = "cifarkit.models.kernels.on_one_tensorflow_cpu"
    monkeypatch.setattr(path, lambda: False)  # as where there is a GPU
    from cifarkit.training._inputs import data_of
    from cifarkit.training._running import compiled
    from cifarkit.training._stage import Stage

    items = [augment.crop(2), augment.rotation(), augment.zoom(), augment.shift()]
    made = trainer(augment=items)
    given = data_of(data)
    network = made.course.network(given)
    assert not network.model.get_layer("resize").supports_jit
    stage = Stage(network.model, given, made.course.policy)
    model = compiled(network, stage, made.course.phases[0])
    assert any(isinstance(layer, _Augmented) for layer in model.layers)
    others = [each for each in model._flatten_layers() if not each.supports_jit]
    assert others == []


def test_trap_7_batches_are_bytes_at_native_size(data):
    """What is held and fed is uint8 at native size, whatever size the network sees."""
    from cifarkit.training._inputs import data_of

    big = datasets.Splits(
        *(
            datasets.Split(part.images, part.labels, part.class_names, 224)
            for part in (data.train, data.validation, data.test)
        )
    )
    feed = data_of(big).train.feed(Phase(**QUICK), draws=2, key=(0, 1))
    assert feed.draws == 2
    inputs, _, _ = next(iter(feed.batches))
    assert inputs["image"].dtype == np.uint8
    assert inputs["image"].shape == (32, 16, 16, 3)


def test_augmentation_acts_in_training_and_not_in_validation(data):
    """The network sees changed images in training, and the plain ones otherwise."""
    layer = _Augmented(augment.compose([augment.flip()]))
    images = data.train.images[:4].astype(np.float32)
    targets, noise = np.eye(4, dtype=np.float32), np.zeros((4, 1), np.float32)
    plain, _ = layer(images, targets, noise, training=False)
    flipped, _ = layer(images, targets, noise, training=True)
    assert np.array_equal(plain, images)
    assert np.array_equal(flipped, images[:, :, ::-1])


def test_the_same_seed_gives_the_same_training(data):
    """Two runs of one seed agree; another seed sees the images in another order."""
    source = tiny()

    def losses(seed):
        made = TwoPhaseTrainer(
            source,
            heads.classifier(hidden=(8,)),
            phase_1=Phase(**QUICK | {"epochs": 2}),
            phase_2=None,
            augment=[augment.flip(), augment.crop(2)],
            seed=seed,
            verbose=0,
        )
        return made.fit(data).history["loss"]

    assert losses(3) == losses(3)
    assert losses(3) != losses(4)


def test_orders_differ_by_epoch_and_cover_all_images(data):
    """Each epoch is a permutation of the images, and no two are equal."""
    from cifarkit.training._batches import Batches

    batches = Batches(
        lambda chosen, noise: data.train.images[chosen],
        np.arange(len(data.train)),
        classes=len(data.train),
        batch_size=32,
        draws=1,
        key=(0, 1),
    )
    orders = []
    for epoch in range(3):
        batches.begin_epoch(epoch)
        rows = [batches[step][1] for step in range(batches.num_batches)]
        orders.append(np.concatenate(rows).argmax(1).tolist())
    assert all(sorted(order) == list(range(len(data.train))) for order in orders)
    assert len({tuple(order) for order in orders}) == 3


def test_the_trainer_shows_each_epoch_its_own_order(data):
    """Keras announces epochs once too often; the trainer tells the feed instead."""
    seen = []

    class Watching(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(epoch)

    result = trainer(Phase(**QUICK | {"epochs": 3})).fit(data, callbacks=[Watching()])
    assert seen == [0, 1, 2]
    assert len(result.history["loss"]) == 3


def test_a_step_is_traced_once(data, monkeypatch):
    """Variables that a step makes have TensorFlow trace it, and optimize it, twice."""
    traced, step = [], Fed.train_step

    def noted(model, batch):
        traced.append(model)
        return step(model, batch)

    monkeypatch.setattr(Fed, "train_step", noted)
    trainer(Phase(**QUICK), Phase(**QUICK, unfreeze="all")).fit(data)
    assert len(traced) == len(set(map(id, traced))) == 2


@pytest.mark.parametrize(
    "items", [(), [augment.flip()], [augment.mixup(1.0)], [augment.cutmix(1.0)]]
)
def test_the_tiny_network_learns(data, items):
    """With and without augmentation and mixing, accuracy rises far above chance."""
    phase = Phase(epochs=8, learning_rate=5e-2, batch_size=16)
    tuned = Phase(
        epochs=6, learning_rate=5e-3, batch_size=16, unfreeze="all", batch_norm="tuned"
    )
    result = trainer(phase, tuned, augment=items).fit(data)
    scores = [phase.validation_accuracy for phase in result.phases]
    assert max(scores) > 0.6, scores


def test_a_network_from_scratch_is_trained_in_one_phase(data):
    """`models.cnn` needs no head, learns, and the caller's model stays as it was."""
    network = models.cnn("s2-m1", classes=4, size=16)
    before = [weight.copy() for weight in network.get_weights()]
    made = TwoPhaseTrainer(
        network,
        phase_1=Phase(epochs=5, learning_rate=3e-3, optimizer="adam", batch_size=32),
        augment=(),
        verbose=0,
    )
    result = made.fit(data)
    assert result.history["accuracy"][-1] > result.history["accuracy"][0]
    after = network.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert "from scratch" in str(made.plan(data))


def test_images_that_are_not_square_are_told_as_they_are(tmp_path):
    """Width by height, in the plan."""
    images = np.zeros((40, 12, 20, 3), np.uint8)
    wide = datasets.from_arrays(images, np.arange(40) % 2, validation=0.2, test=0)
    layer = keras.layers
    network = keras.Sequential(
        [keras.Input((12, 20, 3)), layer.Flatten(), layer.Dense(2, "softmax")]
    )
    plan = TwoPhaseTrainer(network, phase_1=Phase(**QUICK), verbose=0).plan(wide)
    assert "at 20 x 12 pixels, from scratch" in str(plan)
    assert not plan.phases[0].kept


def test_arrays_and_a_data_set_of_tensorflow_are_taken(data):
    """Pairs of arrays, one-hot labels and a user's own tf.data all train."""
    tensorflow = pytest.importorskip("tensorflow")
    images, labels = data.train.images, data.train.labels
    pairs = tensorflow.data.Dataset.from_tensor_slices((images, labels)).batch(32)
    phase = Phase(**QUICK, class_weight="balanced")
    made = trainer(phase, augment=[augment.flip()])
    validation = (data.validation.images, data.validation.labels)
    for given in ((images, labels), (images, np.eye(4)[labels]), pairs):
        result = made.fit(given, validation=validation)
        assert result.provenance["n_train"] == len(labels)
        assert result.model.output_shape == (None, 4)


def test_a_data_set_of_tensorflow_is_checked(data):
    """Endless, unbatched, scaled and empty data sets are each told what to mend."""
    tensorflow = pytest.importorskip("tensorflow")
    pairs = tensorflow.data.Dataset.from_tensor_slices(
        (data.train.images, data.train.labels)
    )
    scaled = pairs.batch(32).map(lambda x, y: (tensorflow.cast(x, "float32") / 255, y))
    shapes = (None, *data.train.images.shape[1:]), (None, None)
    unknown = tensorflow.data.Dataset.from_generator(
        lambda: pairs.batch(32),
        output_signature=tuple(
            tensorflow.TensorSpec(shape, "uint8") for shape in shapes
        ),
    )
    for wrong, text in (
        (pairs.batch(32).repeat(), "endless"),
        (pairs, r"\.batch\(64\)"),
        (scaled, "multiplied by 255"),
        (pairs.batch(32).take(0), "empty"),
        (pairs.batch(32).map(lambda x, y: (x[40:], y[40:])), "none in batch 1"),
        (pairs.batch(32).map(lambda x, y: ({"image": x}, y)), "plain tensors"),
        (unknown, "with C known"),
        (
            pairs.batch(32).map(lambda x, y: (tensorflow.cast(x, "int32") - 99, y)),
            "-99",
        ),
        (pairs.batch(32).map(lambda x, y: (x, tensorflow.ones((32, 4)))), "sum to 1"),
        (pairs.batch(32).map(lambda x, y: (x, y + 2**40)), "below 1,000,000"),
    ):
        with pytest.raises(InvalidData, match=text):
            trainer().fit(wrong)


def test_validation_has_the_names_of_a_data_set_that_bears_them(data):
    """Classes in another order would be taken for each other; no names say nothing."""
    train = (data.train.images, data.train.labels)
    given = tf.data.Dataset.from_tensor_slices(train).batch(64)
    assert trainer().plan(given, validation=data.validation).classes == 4
    given.class_names = list(data.validation.class_names)
    assert trainer().plan(given, validation=data.validation).classes == 4
    given.class_names.reverse()
    with pytest.raises(InvalidData, match="class names"):
        trainer().plan(given, validation=data.validation)


def test_a_loss_and_metrics_of_the_users_own(data):
    """A sparse loss gets whole labels, another one-hot, and metrics their kind."""
    sparse = Phase(
        **QUICK,
        loss="sparse_categorical_crossentropy",
        metrics=(keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2"),),
    )
    dense = Phase(**QUICK, loss=keras.losses.CategoricalFocalCrossentropy())
    history = trainer(sparse, dense).fit(data).history
    assert history["top_2"][0] >= history["accuracy"][0]
    assert history["top_2"][1] is None
    with pytest.raises(InvalidArgument, match="mixed targets"):
        trainer(sparse, augment=[augment.mixup(1.0)]).fit(data)


@pytest.mark.parametrize("cache", ["auto", "never"])
def test_class_weights_count(data, cache):
    """A class of large weight is predicted more often than without."""
    heavy = Phase(epochs=3, learning_rate=0.1, batch_size=32, class_weight={0: 50.0})
    plain = Phase(epochs=3, learning_rate=0.1, batch_size=32)
    shares = [
        np.mean(
            trainer(p, cache=cache)
            .fit(data)
            .model.predict(data.test.images, verbose=0)[:, 0]
        )
        for p in (heavy, plain)
    ]
    assert shares[0] > shares[1] + 0.1
    nothing = dict.fromkeys(range(4), 0.0)
    for wrong, text in (
        ({7: 1.0}, r"\[7\]"),
        ({"cat": 2.0, 7: 1.0}, "'cat'"),
        (nothing, "nothing learns"),
    ):
        with pytest.raises(InvalidArgument, match=text):
            trainer(Phase(**QUICK, class_weight=wrong)).fit(data)
    mixing = trainer(
        Phase(**QUICK, class_weight="balanced"), augment=augment.mixup(1.0)
    )
    with pytest.raises(InvalidArgument, match="two classes"):
        mixing.fit(data)


def test_a_loss_that_is_not_finite_stops_with_its_phase(data):
    """NaN names the phase and says what to lower."""
    wild = Phase(epochs=3, learning_rate=9.0, optimizer="sgd", schedule="constant")
    nan = Phase(**QUICK, loss=lambda y, p: keras.ops.sum(y * p, axis=-1) * float("nan"))
    with pytest.raises(TrainingError, match="phase 1 reached nan"):
        trainer(nan, wild).fit(data)


def test_early_stopping_of_the_users_own_counts(data):
    """The epoch that a user's callback took back is the one that is kept."""
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_accuracy", mode="min", patience=9, restore_best_weights=True
    )
    phase = Phase(epochs=3, learning_rate=0.05, batch_size=32)
    result = trainer(phase).fit(data, callbacks=[stopping])
    assert result.phases[0].kept_epoch == stopping.best_epoch
    again = evaluate(result.model, data.validation).accuracy
    assert again == pytest.approx(result.phases[0].validation_accuracy)


def test_early_stopping_that_never_began_keeps_the_last_epoch(data):
    """It took nothing back: the weights are those of the end."""
    stopping = keras.callbacks.EarlyStopping(
        restore_best_weights=True, start_from_epoch=9
    )
    phase = Phase(epochs=3, learning_rate=0.05, batch_size=32)
    result = trainer(phase).fit(data, callbacks=[stopping])
    assert result.phases[0].kept_epoch == 2


def test_figures_of_some_epochs_leave_the_history_whole(data, tmp_path):
    """What a callback logs in every second epoch is no number in the others."""

    class Sometimes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch % 2:
                logs["seen"] = 1.0

    phase = Phase(**QUICK | {"epochs": 3})
    result = trainer(phase).fit(data, callbacks=[Sometimes()])
    result.save(tmp_path / "result")
    seen = TrainResult.load(tmp_path / "result").history["seen"]
    np.testing.assert_array_equal(seen, [np.nan, 1.0, np.nan])


def test_a_metric_of_several_numbers_is_kept(data):
    """A metric per class ends up as a list, through JSON too."""
    phase = Phase(**QUICK, metrics=(keras.metrics.F1Score(average=None, name="f1"),))
    history = json.loads(json.dumps(trainer(phase).fit(data).history))
    assert len(history["f1"][0]) == 4


def test_no_number_is_none_within_a_list_too(data):
    """A class of which nothing was seen has no score; it stays so on disk."""
    (phase,) = trainer().fit(data).phases
    odd = replace(phase, history={**phase.history, "f1": ([math.nan, 0.5],)})
    written = json.loads(json.dumps(_saving.finite(odd.to_dict()), allow_nan=False))
    read = PhaseResult.from_dict(written, odd.weights).history["f1"]
    np.testing.assert_array_equal(read, odd.history["f1"])


def test_everything_is_checked_before_the_first_phase(data):
    """A mistake in phase 2 is found before phase 1 has trained."""
    begun = []

    class Watching(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            begun.append(1)

    for wrong in (
        {"unfreeze": 99},
        {"unfreeze": "blok_2"},
        {"optimizer": "adamm"},
        {"loss": None},
        {"class_weight": {9: 1.0}},
    ):
        with pytest.raises(InvalidArgument):
            trainer(phase_2=Phase(**QUICK | wrong)).fit(data, callbacks=[Watching()])
    assert begun == []


def test_copies_of_a_network_with_normalization_answer_alike(data):
    """An adapted Normalization layer survives copying."""
    norm = keras.layers.Normalization(
        mean=(100.0, 90.0, 80.0), variance=(9.0, 4.0, 1.0)
    )
    network = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            norm,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, "softmax"),
        ]
    )
    from cifarkit.training._network import from_scratch

    images = data.test.images[:4].astype("float32")
    copy = from_scratch(network, classes=4, native=(16, 16, 3), seed=0).model
    assert np.allclose(copy(images), network(images), atol=1e-6)


def test_validation_must_be_like_training(data):
    """Another native size, or classes in another order, are refused."""
    names = tuple(reversed(data.train.class_names))
    other = data.validation
    turned = datasets.Split(other.images, other.labels, names, other.size)
    small = datasets.Split(
        np.ascontiguousarray(other.images[:, :8, :8]),
        other.labels,
        other.class_names,
        other.size,
    )
    for wrong in (turned, small):
        with pytest.raises(InvalidData, match="as in training"):
            trainer().fit(data.train, validation=wrong)


def test_numbers_of_numpy_are_numbers():
    """Whole and real numbers of NumPy count as such, and come out plain."""
    phase = Phase(epochs=np.int64(2), learning_rate=np.float32(1e-3))
    assert json.dumps(phase.to_dict()["epochs"]) == "2"
    for schedule in ("cosine", "linear", "constant", "plateau"):
        for rate in (np.float32(1e-3), 1):
            phase = Phase(learning_rate=rate, schedule=schedule)
            rates = optimizer_of(phase, 5).learning_rate
            assert schedule in ("cosine", "linear") or float(rates) == float(rate)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize("rate", [1e-3, None])
def test_a_callback_that_sets_a_rate_on_a_schedule_is_refused(data, schedule, rate):
    """Keras would say so after hours, at the first plateau."""
    callback = (
        keras.callbacks.LearningRateScheduler(lambda epoch: rate)
        if rate
        else keras.callbacks.ReduceLROnPlateau()
    )
    phase = Phase(**QUICK, schedule=schedule)
    with pytest.raises(InvalidArgument, match=r"phase 1 follows.*'constant'"):
        trainer(phase).fit(data, callbacks=[callback])
    trainer(Phase(**QUICK, schedule="constant")).fit(data, callbacks=[callback])


@pytest.mark.parametrize("disk", [False, True])
def test_a_training_leaves_nothing_behind(data, empty, disk):
    """TensorFlow keeps each generator that it was given, and what that refers to."""

    def left():
        gc.collect()
        return [
            each for each in gc.get_objects() if type(each) in (Activations, Batches)
        ]

    before = len(left())
    result = trainer(cache=Cache(disk=disk)).fit(data)
    assert result.phases[0].engine != "live"
    assert len(left()) == before


def test_averages_are_not_swapped_twice(data):
    """What is validated is the average already."""
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    with pytest.raises(InvalidArgument, match="SwapEMAWeights"):
        trainer(Phase(**QUICK, weight_averaging=0.9)).fit(data, callbacks=[swap])


@pytest.mark.parametrize("name", ["image", "target", "noise", "augment"])
def test_a_network_may_not_have_the_name_of_what_it_is_fed_with(data, name):
    """Keras would say that a name is used twice, and not whose."""
    layers = [keras.Input((16, 16, 3)), keras.layers.Flatten()]
    layers.append(keras.layers.Dense(4, "softmax"))
    network = keras.Sequential(layers, name=name)
    made = TwoPhaseTrainer(network, phase_1=Phase(**QUICK), phase_2=None, verbose=0)
    with pytest.raises(InvalidArgument, match="another name"):
        made.fit(data)


def test_what_is_no_callback_is_refused_before_anything_is_computed(data):
    """Keras would ask it for methods that it lacks, behind the features."""
    with pytest.raises(InvalidArgument, match="Expected Keras callbacks; received 3"):
        trainer().fit(data, callbacks=[3])


def test_a_file_that_a_second_phase_would_empty_is_refused(data, tmp_path):
    """Keras opens it whenever training begins: the first phase would be lost."""
    path, two = tmp_path / "log.csv", {"phase_2": Phase(**QUICK, unfreeze="all")}
    with pytest.raises(InvalidArgument, match="append=True"):
        trainer(**two).fit(data, callbacks=[keras.callbacks.CSVLogger(path)])
    trainer(phase_2=None).fit(data, callbacks=[keras.callbacks.CSVLogger(path)])
    path.unlink()
    result = trainer(**two).fit(
        data, callbacks=[keras.callbacks.CSVLogger(path, append=True)]
    )
    assert len(path.read_text().splitlines()) == 1 + len(result.history["loss"])


@pytest.mark.parametrize("last", ["relu", "norm"])
def test_a_phase_that_reaches_no_weight_is_refused(data, last):
    """One layer is unfrozen, and it has nothing that may learn."""
    layer = {
        "relu": keras.layers.ReLU(),
        "norm": keras.layers.BatchNormalization(),
    }[last]
    body = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3), layer]
    )
    made = TwoPhaseTrainer(
        backbones.wrap(body, preprocess="unit"),
        heads.linear(),
        phase_1=Phase(**QUICK),
        phase_2=Phase(**QUICK, unfreeze=1, train_head=False),
        verbose=0,
    )
    with pytest.raises(InvalidArgument, match="phase_2: Expected a phase in which"):
        made.plan(data)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_gradients_too_small_for_float16_arrive(data, policy):
    """A network in float16 learns under Keras' default policy, too: they are scaled."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(4, 4, 4, dtype=policy, name="learns"),
        keras.layers.Rescaling(1e-6, dtype=policy),
    ]
    made = TwoPhaseTrainer(
        backbones.wrap(keras.Sequential(layers), preprocess="unit"),
        heads.linear(),
        phase_1=Phase(**QUICK),
        phase_2=Phase(**QUICK, optimizer="adam", unfreeze="all"),
        verbose=0,
    )
    result = made.fit(data)
    before, after = (
        next(
            each
            for each in result.model_after(number).weights
            if "learns/k" in each.path
        )
        for number in (1, 2)
    )
    assert np.abs(before - after).max() > 1e-4


def test_a_crop_follows_from_the_seed_of_the_trainer(data):
    """Keras draws one for each crop that is given none, in each process another."""
    drawn = []
    for seed in (0, 0, 1):
        layers = [keras.Input((16, 16, 3)), keras.layers.RandomCrop(8, 8)]
        layers += [keras.layers.GlobalAveragePooling2D()]
        layers += [keras.layers.Dense(4, "softmax")]
        course = TwoPhaseTrainer(keras.Sequential(layers), seed=seed).course
        made = course.network(data_of(data, None))
        drawn.append([each.numpy().tolist() for each in seeds_of(made.model)])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("whole", [False, True])
def test_dropout_without_a_seed_follows_from_that_of_the_trainer(data, whole):
    """In a backbone as in a network from scratch; one with a seed keeps it."""
    drawn = []
    for seed in (0, 0, 1):
        parts = [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, 4, kernel_initializer="ones"),
            keras.Sequential([keras.layers.Dropout(0.5)]),
            keras.layers.Dropout(0.5, seed=7, name="own"),
        ]
        top = [keras.layers.Flatten(), keras.layers.Dense(4, "softmax")]
        network = keras.Sequential([*parts, *(top if whole else [])])
        body = network if whole else backbones.wrap(network, preprocess="unit")
        course = TwoPhaseTrainer(
            body, None if whole else heads.linear(), seed=seed
        ).course
        made = course.network(data_of(data, None))
        drawn.append([each.numpy().tolist() for each in seeds_of(made.model)])
        assert all(  # by which Keras on PyTorch tells whether there is a seed
            each.seed_generator.get_config()["seed"] is not None
            for each in made.model._flatten_layers()
            if isinstance(each, keras.layers.Dropout)
        )
    assert drawn[0] == drawn[1] != drawn[2]
    assert all([7, 0] in each for each in drawn)


def test_a_callback_predicts_from_images_in_each_phase(data):
    """Also where a phase is fed with what was kept."""

    class Watching(keras.callbacks.Callback):
        seen = ()

        def on_epoch_end(self, epoch, logs=None):
            images = data.validation.images.astype(np.float32)
            found = self.model.predict(images, verbose=0)
            once = self.model.predict_on_batch(images)
            np.testing.assert_allclose(found, once, atol=1e-5)
            right = found.argmax(axis=1) == data.validation.labels
            self.seen += ((right.mean(), logs["val_accuracy"]),)

    watching = Watching()
    phase_2 = Phase(**QUICK, unfreeze="block_2_conv", batch_norm="tuned")
    result = trainer(phase_2=phase_2).fit(data, callbacks=[watching])
    assert "live" not in [phase.engine for phase in result.phases[1:]]
    assert len(watching.seen) == 2
    for ours, theirs in watching.seen:
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_callback_exports_the_network_alone(data, tmp_path):
    """What it writes takes images, as what it saves does."""

    class Exporting(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.export(tmp_path / "exported", verbose=False)

    trainer().fit(data, callbacks=[Exporting()])
    images = tf.constant(data.test.images[:3], tf.float32)
    exported = tf.saved_model.load(tmp_path / "exported")
    assert exported.serve(images).shape == (3, 4)


def test_a_checkpoint_of_a_callback_loads_without_cifarkit(data, tmp_path):
    """ModelCheckpoint saves the network alone, which plain Keras loads."""
    path = tmp_path / "best.keras"
    saving = keras.callbacks.ModelCheckpoint(path)
    result = trainer(augment=[augment.flip()]).fit(data, callbacks=[saving])
    np.save(tmp_path / "images.npy", data.test.images[:8])
    code = (
        "import sys, keras, numpy as np\n"
        "model = keras.models.load_model(sys.argv[1], safe_mode=True)\n"
        "out = model.predict(np.load(sys.argv[2]), verbose=0)\n"
        "assert 'cifarkit' not in sys.modules\n"
        "print(out.tolist())"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "images.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = result.model.predict(data.test.images[:8], verbose=0)
    assert np.allclose(json.loads(done.stdout), ours, atol=1e-6)


def test_a_result_comes_back_from_its_folder(data, tmp_path):
    """Model, weights of each phase, histories and provenance survive; JSON does too."""
    result = trainer(phase_2=Phase(**QUICK, unfreeze="block_2_conv")).fit(data)
    back = TrainResult.load(result.save(tmp_path / "result"))
    assert json.loads(json.dumps(result.to_dict())) == back.to_dict()
    images = data.test.images
    for one, other in (
        (result.model, back.model),
        (result.model_after(1), back.model_after(1)),
    ):
        assert np.allclose(
            one.predict(images, verbose=0), other.predict(images, verbose=0)
        )


def test_a_changed_result_is_refused(data, tmp_path):
    """A flipped byte, a lost file and a foreign record are each named."""
    folder = trainer().fit(data).save(tmp_path / "result")
    path = folder / "phase_1.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CorruptFile, match=r"phase_1\.npz to have SHA-256"):
        TrainResult.load(folder)
    path.unlink()
    with pytest.raises(CorruptFile, match="which the result names"):
        TrainResult.load(folder)
    record = json.loads((folder / "result.json").read_text())
    path.write_bytes(whole)
    first, *rest = record["phases"]
    unknown = {**record, "phases": [{**first, "more": 1}, *rest]}
    fewer = {**record, "phases": [{k: v for k, v in first.items() if k != "seconds"}]}
    for wrong in (unknown, {**fewer, "phases": [*fewer["phases"], *rest]}):
        (folder / "result.json").write_text(json.dumps(wrong))
        with pytest.raises(CorruptFile, match="this version of cifarkit"):
            TrainResult.load(folder)
    for wrong in ([], {}, {**record, "kept": 0}, {**record, "files": {}}):
        (folder / "result.json").write_text(json.dumps(wrong))
        with pytest.raises(CorruptFile, match=r"TrainResult\.save"):
            TrainResult.load(folder)


@contextlib.contextmanager
def killed_after(renames, monkeypatch):
    """Let so many files be put in place; then the process is interrupted."""
    replace, left = Path.replace, iter(range(renames))

    def killed(self, target):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        yield


def test_a_kill_between_two_renames_leaves_one_of_both_results(
    data, tmp_path, monkeypatch
):
    """The earlier one or the new one, whole, wherever the kill falls."""
    results = [trainer(seed=seed).fit(data) for seed in range(2)]
    seen = []
    for renames in range(7):
        folder = results[0].save(tmp_path / str(renames))
        with killed_after(renames, monkeypatch):
            results[1].save(folder)
        loaded = TrainResult.load(folder)
        seen.append(loaded.provenance["seed"])
        right = results[seen[-1]].model.get_weights()
        assert all(map(np.array_equal, loaded.model.get_weights(), right))
    assert seen == sorted(seen)
    assert set(seen) == {0, 1}


def test_a_result_is_read_while_another_one_is_saved(data, tmp_path, monkeypatch):
    """One of both is read; neither the reader nor the writer is in the other's way."""
    results = [trainer(seed=seed).fit(data) for seed in range(2)]
    replace, loaded = Path.replace, []

    def busy(self, target):
        done = replace(self, target)
        monkeypatch.setattr(Path, "replace", replace)
        loaded.append(TrainResult.load(folder))
        monkeypatch.setattr(Path, "replace", busy)
        return done

    folder = results[0].save(tmp_path / "result")
    monkeypatch.setattr(Path, "replace", busy)
    results[1].save(folder)
    monkeypatch.setattr(Path, "replace", replace)
    seeds = [each.provenance["seed"] for each in (*loaded, TrainResult.load(folder))]
    assert seeds == sorted(seeds)
    assert set(seeds) == {0, 1}


def test_a_result_that_changes_while_it_is_read_is_read_again(
    data, tmp_path, monkeypatch
):
    """The files of one result do not fit the record of another."""
    results = [trainer(seed=seed).fit(data) for seed in range(2)]
    folder, record = results[0].save(tmp_path / "result"), _saving._record

    def overtaken(place):
        found = record(place)
        monkeypatch.setattr(_saving, "_record", record)
        results[1].save(folder)
        return found

    monkeypatch.setattr(_saving, "_record", overtaken)
    assert TrainResult.load(folder).provenance["seed"] == 1


def test_two_saves_that_were_killed_leave_one_of_the_results(
    data, tmp_path, monkeypatch
):
    """The second one completes what the first had begun, before it writes anything."""
    results = [trainer(seed=seed).fit(data) for seed in range(3)]
    folder = results[0].save(tmp_path / "result")
    for number, renames in ((1, 3), (2, 3)):  # behind the record; before it
        with killed_after(renames, monkeypatch):
            results[number].save(folder)
    loaded = TrainResult.load(folder)
    seed = loaded.provenance["seed"]
    right = results[seed].model.get_weights()
    assert seed == 1
    assert all(map(np.array_equal, loaded.model.get_weights(), right))


def test_saving_deletes_no_file_of_others(data, tmp_path):
    """Of an earlier result, the weights of a phase that is no more; nothing else."""
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "phase_portrait.npz").write_bytes(b"mine")
    trainer(phase_2=Phase(**QUICK, unfreeze="all")).fit(data).save(folder)
    assert (folder / "phase_2.npz").exists()
    trainer(phase_2=None).fit(data).save(folder)
    assert not (folder / "phase_2.npz").exists()
    assert (folder / "phase_portrait.npz").read_bytes() == b"mine"


def test_saving_never_harms_what_is_there(data, tmp_path, monkeypatch):
    """A failed save leaves the older result whole; a stranger's file is not touched."""
    result = trainer().fit(data)
    folder = result.save(tmp_path / "result")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_, **__):
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        with pytest.raises(OSError, match="no space left"):
            result.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "result.json").write_text('{"mine": true}')
    with pytest.raises(InvalidArgument, match=r"no result of cifarkit"):
        result.save(tmp_path / "other")
    assert (tmp_path / "other" / "result.json").read_text() == '{"mine": true}'


@pytest.mark.usefixtures("empty")
def test_the_plan_is_timed_on_a_throw_away_network(data):
    """A timed plan forecasts each phase, and the trainer trains as if it had not."""
    made = trainer(phase_2=Phase(**QUICK, unfreeze="all"))
    plan = made.plan(data, timed=True)
    head, whole = (phase.timing for phase in plan.phases)
    one = replace(made.course.phases[0], batch_size=len(data.train))
    (alone,) = trainer(phase_1=one, phase_2=None).plan(data, timed=True).phases
    assert min(alone.timing.live, alone.timing.kept) > 0  # of an epoch of one step
    assert min(head.live, head.kept, head.ahead, whole.live) > 0
    assert (whole.kept, whole.ahead) == (None, 0)
    assert "s ahead, then" in str(plan)
    made.fit(data)
    assert made.plan(data, timed=True).phases[0].timing.ahead == 0  # it is there now
    assert "s per epoch" not in str(made.plan(data))


@pytest.mark.usefixtures("empty")
def test_what_an_earlier_phase_computes_costs_a_later_one_nothing(data):
    """Activations on the way of phase 1 are forecast there, and only there."""
    made = trainer(phase_2=Phase(**QUICK, unfreeze="block_2_conv"))
    first, second = (each.timing for each in made.plan(data, timed=True).phases)
    assert min(first.ahead, second.kept) > 0
    assert second.ahead == 0
    assert second.whole(3) == 3 * second.kept
    assert first.whole(3) == first.ahead + 3 * first.kept


def test_a_network_that_is_frozen_is_not_trained(data):
    """Nor is one of which a part is said to learn as a whole."""
    network = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, 4, trainable=False),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, "softmax"),
        ]
    )
    plan = TwoPhaseTrainer(network, phase_1=Phase(**QUICK), verbose=0).plan(data)
    assert "layers of the network that are not frozen learn" in str(plan)
    network.trainable = False
    with pytest.raises(InvalidArgument, match="all of which is frozen"):
        TwoPhaseTrainer(network, phase_1=Phase(**QUICK), verbose=0).fit(data)


def test_channels_first_is_refused(data, monkeypatch):
    """Keras' layers would take columns for colours."""
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    with pytest.raises(InvalidArgument, match="channels_last"):
        backbones.get("mobilenetv2", weights=None).build(96)
    network = models.cnn("s3-baseline", classes=4, size=16)
    with pytest.raises(InvalidArgument, match="channels_last"):
        TwoPhaseTrainer(network, phase_1=Phase(**QUICK)).fit(data)


def test_what_kept_activations_raise_is_told_as_it_is(data, monkeypatch):
    """Not in the words of the data set of TensorFlow that reads them."""
    taken, take = [], Activations.take

    def changed(self, chosen, noise):
        taken.append(len(chosen))
        if len(taken) > 8:  # some are looked at before the first step
            raise SourceError("It was changed while it was read: run again.")
        return take(self, chosen, noise)

    monkeypatch.setattr(Activations, "take", changed)
    with pytest.raises(SourceError, match=r"^It was changed") as raised:
        trainer(Phase(**QUICK | {"epochs": 3})).fit(data)
    assert isinstance(raised.value.__cause__, tf.errors.OpError)


def test_a_result_says_which_layers_learnt(data, tmp_path):
    """In the words of the plan, also when it is loaded again."""
    made = trainer(phase_2=Phase(**QUICK, unfreeze="block_2_conv"))
    planned = [str(phase.backbone) for phase in made.plan(data).phases]
    result = made.fit(data)
    assert [phase.learnt for phase in result.phases] == planned
    assert "3 of 6 layers learn, from block_2_conv; batch norm: 0" in planned[1]
    again = TrainResult.load(result.save(tmp_path / "out"))
    assert [phase.learnt for phase in again.phases] == planned


def test_a_result_prints_in_one_line(data):
    """What a notebook shows of a result is short, and names the kept phase."""
    result = trainer().fit(data)
    assert repr(result).startswith("TrainResult(classifier, phases=1, validation=")
    assert len(repr(result.phases[0])) < 500


def test_names_and_sizes_of_a_data_set_of_tensorflow_are_its_own(data):
    """Its class names are taken, and the plan does not claim another batch size."""
    tensorflow = pytest.importorskip("tensorflow")
    given = (data.train.images, data.train.labels)
    pairs = tensorflow.data.Dataset.from_tensor_slices(given).batch(8)
    pairs.class_names = list("abcd")
    made = trainer()
    assert "the data set's own size" in str(made.plan(pairs))
    result = made.fit(pairs, validation=data.validation)
    assert result.provenance["class_names"] == list("abcd")
    shifted = tensorflow.data.Dataset.from_tensor_slices((given[0], given[1] + 1))
    with pytest.raises(InvalidData, match="none of class 0"):
        made.fit(shifted.batch(8))


def test_silence_is_silent(data, capfd):
    """`verbose=0` prints nothing at all."""
    trainer().fit(data)
    shown = capfd.readouterr()
    assert shown.out == ""


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"epochs": 0}, InvalidArgument, "epochs"),
        ({"epochs": 1.5}, InvalidArgument, "epochs"),
        ({"learning_rate": 0.0}, InvalidArgument, "learning_rate"),
        ({"learning_rate": float("nan")}, InvalidArgument, "learning_rate"),
        ({"schedule": "cosin"}, UnknownName, "Did you mean 'cosine'"),
        ({"batch_norm": "freeze"}, UnknownName, "Did you mean 'frozen'"),
        ({"bn_momentum": 1.0}, InvalidArgument, "bn_momentum"),
        ({"bn_momentum": "fast"}, InvalidArgument, "bn_momentum"),
        ({"bn_momentum": 0.9}, InvalidArgument, "batch_norm='tuned' beside"),
        ({"label_smoothing": 1.0}, InvalidArgument, "label_smoothing"),
        ({"class_weight": "balance"}, InvalidArgument, "'balanced'"),
        ({"class_weight": [1, 2]}, InvalidArgument, "'balanced'"),
        ({"class_weight": np.ones(3)}, InvalidArgument, "'balanced'"),
        ({"class_weight": {0: -1.0}}, InvalidArgument, "class_weight"),
        ({"weight_decay": -0.1}, InvalidArgument, "weight_decay"),
        ({"clip_norm": 0.0}, InvalidArgument, "clip_norm"),
        ({"metrics": "auc"}, InvalidArgument, "metrics"),
        ({"loss": "mse", "label_smoothing": 0.1}, InvalidArgument, "smoothing"),
        ({"train_head": False}, InvalidArgument, "Say what learns"),
        ({"train_head": 0, "unfreeze": 1}, InvalidArgument, "train_head"),
        ({"snap": "no"}, InvalidArgument, "snap to be one of True, False"),
    ],
)
def test_a_wrong_setting_of_a_phase_is_refused_at_once(change, error, text):
    """Each setting is checked where it is given."""
    with pytest.raises(error, match=text):
        Phase(**QUICK | change)


@pytest.mark.parametrize(
    "change",
    [
        {"unfreeze": 1},
        {"unfreeze": 1, "train_head": False},
        {"batch_norm": "tuned", "bn_momentum": 0.5},
        {"batch_norm": "tuned", "bn_momentum": None},
    ],
)
def test_settings_of_a_backbone_are_refused_where_there_is_none(change):
    """A network from scratch would not heed them."""
    network = models.cnn("s2-m1", classes=4, size=16)
    with pytest.raises(InvalidArgument, match=r"bn_momentum= for a network without"):
        TwoPhaseTrainer(network, phase_1=Phase(**change))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"optimizer": "adamm"}, "phase_1: Expected an optimizer that Keras knows"),
        ({"metrics": ("acuracy",)}, "a loss and metrics of 4 probabilities"),
        ({"metrics": ("sparse_categorical_accuracy",)}, "get those of the loss"),
        ({"metrics": (keras.metrics.Precision(class_id=7),)}, "get those of the loss"),
        ({"metrics": (keras.metrics.Mean(),)}, "get those of the loss"),
        ({"class_weight": {0: 1e300}}, "that float32 can hold"),
        ({"loss": "crossentropyy"}, "loss that Keras knows"),
        ({"patience": 3}, "validation"),
        ({"schedule": "plateau"}, "validation"),
    ],
)
def test_a_phase_that_does_not_fit_the_data_is_refused(data, change, text):
    """What only shows with the data is refused before anything trains."""
    arrays = (data.train.images, data.train.labels)
    with pytest.raises(InvalidArgument, match=text):
        trainer(Phase(**QUICK | change)).fit(arrays)


def test_parts_that_do_not_fit_are_refused(data):
    """A backbone without a head, a network with one, and wrong outputs."""
    network = models.cnn("s2-m1", classes=7, size=16)
    for parts in (
        (tiny(), None),
        (tiny(), "linear"),
        (network, heads.linear()),
        ("mobilenetv2", None),
    ):
        with pytest.raises(InvalidArgument):
            TwoPhaseTrainer(*parts)
    logits = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(4)]
    )
    with pytest.raises(InvalidArgument, match="softmax"):
        TwoPhaseTrainer(logits, verbose=0).fit(data)
    with pytest.raises(InvalidArgument, match="callbacks as a list"):
        trainer().fit(data, callbacks=keras.callbacks.History())
    with pytest.raises(InvalidArgument, match="4 outputs"):
        TwoPhaseTrainer(network, phase_2=None, verbose=0).fit(data)
    larger = models.cnn("s2-m1", classes=4, size=32)
    with pytest.raises(InvalidArgument, match="images of shape"):
        TwoPhaseTrainer(larger, phase_2=None, verbose=0).fit(data)
    unbuilt = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4)])
    with pytest.raises(InvalidArgument, match=r"keras\.Input"):
        TwoPhaseTrainer(unbuilt, phase_2=None, verbose=0).fit(data)
    with pytest.raises(InvalidArgument, match="are none"):
        trainer(augment=keras.layers.RandomFlip())
    with pytest.raises(InvalidArgument, match="seed"):
        trainer(seed=-1)
    for options in ({"cache": "disk"}, {"verbose": "loud"}, {"max_memory": -1}):
        with pytest.raises(InvalidArgument):
            trainer(**options)
    with pytest.raises(InvalidArgument, match="Expected Splits"):
        trainer().fit("cifar10")


def test_no_autotuner_watches_the_batches(data):
    """TensorFlow waits for its autotuner, up to a minute, when an epoch ends."""
    feed = data_of(data).train.feed(Phase(**QUICK), draws=1, key=(0, 1))
    assert feed.batches.options().autotune.enabled is False
    assert feed.batches.cardinality() == feed.steps == 8
    sizes = [len(targets) for _, targets, _ in feed.batches]
    assert sizes == [32] * 7 + [16]
    again = [targets.numpy() for _, targets, _ in feed.batches]
    feed.begin_epoch(1)
    other = [targets.numpy() for _, targets, _ in feed.batches]
    assert not all(map(np.array_equal, again, other))


def test_a_head_can_be_left_as_it_is(data):
    """`train_head=False` tunes the backbone alone; the next phase is free again."""
    first = Phase(**QUICK)
    second = Phase(**QUICK, unfreeze="all", batch_norm="tuned", train_head=False)
    for cache in ("auto", "never"):
        result = trainer(first, second, cache=cache).fit(data)
        before, after = (result.model_after(number) for number in (1, 2))
        for name, moves in (("head", False), ("tiny", True)):
            pair = [model.get_layer(name).get_weights() for model in (before, after)]
            same = all(np.array_equal(a, b) for a, b in zip(*pair, strict=True))
            assert same is not moves
        assert result.model.get_layer("head").trainable_weights
    plan = str(trainer(second, first).plan(data))
    total = before.count_params()
    assert plan.count(f"of {total:,} learn") == 2
    network = models.cnn("s2-m1", classes=4, size=16)
    with pytest.raises(InvalidArgument, match="train_head"):
        TwoPhaseTrainer(network, phase_1=second)


def test_a_gap_is_that_of_the_kept_epoch(data):
    """Training less validation accuracy, and NaN where nothing was validated."""
    result = trainer(Phase(**QUICK | {"epochs": 2})).fit(data)
    accuracy, checked = (
        result.history[name][1] for name in ("accuracy", "val_accuracy")
    )
    assert result.gap == pytest.approx(accuracy - checked)
    alone = trainer().fit((data.train.images, data.train.labels))
    assert np.isnan(alone.gap)


def test_penalties_of_a_head_that_was_held_count(data):
    """What Keras reports as loss has them in it, whatever the last phase held."""
    course = TwoPhaseTrainer(
        tiny(),
        heads.linear(l2=0.1),
        phase_1=Phase(**QUICK),
        phase_2=Phase(**QUICK, unfreeze="all", train_head=False),
        verbose=0,
    )
    evaluation = evaluate(course.fit(data).model, data.test)
    assert evaluation.objective > evaluation.loss + 0.01


def test_a_result_is_trained_on_as_a_whole_network(data):
    """It takes images of any size, so its input says none."""
    first = trainer().fit(data)
    again = TwoPhaseTrainer(first.model, phase_1=Phase(**QUICK), verbose=0).fit(data)
    assert again.model.input_shape == (None, None, None, 3)


def test_random_weights_leave_the_preprocessing(data):
    """The channels are swapped by a convolution, which is nobody's to draw anew."""
    for seed in (0, 1):
        network = pretrained(
            backbones.get("vgg16", weights=None, preprocess="caffe"),
            heads.linear(),
            classes=4,
            size=64,
            seed=seed,
        )
        (swap,) = network.parts[0].get_layer("preprocess_caffe").get_weights()[:1]
        np.testing.assert_array_equal(swap[0, 0], np.eye(3)[::-1])


def test_a_stream_of_what_is_no_number_is_refused(data):
    """A NaN in a later batch is seen too."""
    images = data.train.images.astype("float32")
    images[-1, 0, 0, 0] = np.nan
    stream = tf.data.Dataset.from_tensor_slices((images, data.train.labels)).batch(32)
    with pytest.raises(InvalidData, match="nan"):
        trainer().fit(stream)


def test_a_head_that_cannot_be_solved_is_refused_at_once(data):
    """Not after a first phase of hours."""
    for options in ({"augment": augment.crop(2)}, {"cache": "never"}):
        course = trainer(phase_2=Phase(optimizer="lbfgs"), **options)
        for call in (course.fit, course.plan):
            with pytest.raises(InvalidArgument, match="kept features"):
                call(data)
    arrays = data.train.images.astype("float32"), data.train.labels
    stream = tf.data.Dataset.from_tensor_slices(arrays).batch(16)
    course = trainer(phase_2=Phase(optimizer="lbfgs"))
    for call in (course.fit, course.plan):
        with pytest.raises(InvalidArgument, match=r"phase_2: .* a stream"):
            call(data.train, validation=stream)


def test_a_plan_refuses_in_the_words_of_fit(data):
    """Which phase it is, is said by both."""
    course = trainer(phase_2=Phase(unfreeze="blok_13"))
    for call in (course.fit, course.plan):
        with pytest.raises(InvalidArgument, match=r"^phase_2: "):
            call(data)


def test_a_network_with_operations_is_trained(data):
    """A graph may divide pixels without a layer."""
    image = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(4, 3)(image / 255.0)
    outputs = keras.layers.Dense(4, "softmax")(keras.layers.Flatten()(maps))
    network = keras.Model(image, outputs)
    result = TwoPhaseTrainer(network, phase_1=Phase(**QUICK), verbose=0).fit(data)
    assert len(result.phases) == 1


def test_an_optimizer_is_told_with_its_options():
    """What is not usual stands in the record; the rate has its own place."""
    momentum = keras.optimizers.SGD(0.3, momentum=0.9, nesterov=True)
    told = Phase(optimizer=momentum).to_dict()["optimizer"]
    assert told == "SGD(momentum=0.9, nesterov=True)"
    assert Phase(optimizer=keras.optimizers.Adam()).to_dict()["optimizer"] == "Adam"


def test_the_trainer_tells_the_feed_each_epoch(data, monkeypatch):
    """So that no epoch has the order and the noise of another."""
    told, begin = [], Batches.begin_epoch

    def noting(self, epoch):
        told.append((self._key, epoch))
        begin(self, epoch)

    monkeypatch.setattr(Batches, "begin_epoch", noting)
    trainer(Phase(**QUICK | {"epochs": 3})).fit(data)
    seen = [epoch for key, epoch in told if key == (0, 1)]
    assert seen == [0, 0, 1, 2]  # the first when they are made


def test_of_two_early_stoppings_the_last_takes_back():
    """Its weights are those that stay."""

    def stopping(epoch):
        made = keras.callbacks.EarlyStopping(restore_best_weights=True)
        made.best_epoch, made.best_weights = epoch, [np.zeros(1)]
        return made

    assert kept_epoch([stopping(1), stopping(3)], 9) == 3
    assert kept_epoch([], 9) == 8


def test_a_result_names_the_card_that_it_was_made_on(monkeypatch):
    """A device's number alone says nothing of its speed."""
    assert _provenance.surroundings()["device"] == "cpu:0"
    monkeypatch.setattr(
        "cifarkit.models.computing.accelerators", lambda: ["NVIDIA H100"]
    )
    assert _provenance.surroundings()["device"] == "cpu:0 (NVIDIA H100)"
