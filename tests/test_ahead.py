"""What is computed ahead: the same losses as live, and only where that is exact."""

import importlib.util

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarkit import Phase, TwoPhaseTrainer, augment, backbones, datasets, heads
from cifarkit._errors import InvalidArgument, SourceError
from cifarkit.activations import (
    Cache,
    Flips,
    _engine,
    _extract,
    boundary,
    kept,
    pooled,
    views_of,
)
from cifarkit.activations._key import prefix_digest
from cifarkit.models.resizing import without_resizing
from cifarkit.training import _keeping

SIZE = 64


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def data():
    """A small set of learnable images."""
    return datasets.synthetic(n=200, size=32, classes=4)


class Losses(keras.callbacks.Callback):
    """Notes the loss of every step."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(logs["loss"])


def losses(data, backbone, cache, *, batch_norm, augmentations, **options):
    """Return the losses of all steps of both phases, and the result."""
    # Plain SGD: Adam divides by gradients, so that rounding alone would soon show.
    phase = {"epochs": 1, "learning_rate": 1e-2, "batch_size": 32, "optimizer": "sgd"}
    made = TwoPhaseTrainer(
        backbone,
        heads.classifier(),
        phase_1=Phase(**phase),
        phase_2=Phase(**phase, unfreeze="block_13_expand", batch_norm=batch_norm),
        augment=augmentations,
        cache=cache,
        verbose=0,
        **options,
    )
    noting = Losses()
    result = made.fit(data, callbacks=[noting])
    return np.array(noting.steps), result


@pytest.fixture(scope="module")
def backbone():
    """A small backbone whose layers are named as in MobileNetV2, with fixed weights."""
    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for number in (12, 13):
        name = f"block_{number}"
        options = {"strides": 2, "kernel_initializer": glorot(number)}
        model.add(layers.Conv2D(8, 3, padding="same", name=f"{name}_expand", **options))
        model.add(layers.BatchNormalization(name=f"{name}_norm"))
        model.add(layers.ReLU(name=f"{name}_relu"))
    return backbones.wrap(model, preprocess="unit")


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """MobileNetV2 with random weights that every build shares."""
    path = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    backbones.get("mobilenetv2", weights=None).build(SIZE).save_weights(path)
    return backbones.get("mobilenetv2", weights=path, size=SIZE)


@pytest.mark.parametrize(
    ("batch_norm", "augmentations"), [("frozen", None), ("tuned", ())]
)
def test_every_step_has_the_loss_of_live_training(
    data, mobilenet, batch_norm, augmentations, monkeypatch
):
    """In float32 and by one engine, each step's loss equals live training's."""
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)
    options = {"batch_norm": batch_norm, "augmentations": augmentations}
    live, at_once = losses(data, mobilenet, "never", **options)
    kept, ahead = losses(data, mobilenet, Cache(dtype="float32"), **options)
    assert [phase.engine for phase in at_once.phases] == ["live", "live"]
    assert "live" not in [phase.engine for phase in ahead.phases]
    assert np.allclose(kept, live, rtol=1e-6)


@pytest.mark.real
@pytest.mark.parametrize("batch_norm", ["frozen", "tuned"])
def test_200_steps_of_the_real_network_are_those_of_live_training(
    batch_norm, monkeypatch
):
    """Real weights, real images, AdamW: in float32 each loss is live training's."""
    monkeypatch.undo()  # the store of the machine, where weights and images are
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)
    images = datasets.cifar10(SIZE).train.take(800)
    phase = Phase(
        epochs=1,
        learning_rate=1e-4,
        unfreeze=50,
        batch_norm=batch_norm,
        batch_size=4,
        label_smoothing=0.1,
    )
    steps = {}
    for cache in ("never", Cache(dtype="float32", disk=False)):
        noting = Losses()
        trainer = TwoPhaseTrainer(
            backbones.get("mobilenetv2"),
            heads.classifier(),
            phase_1=phase,
            phase_2=None,
            augment=(),
            cache=cache,
            verbose=0,
        )
        result = trainer.fit((images.images, images.labels), callbacks=[noting])
        assert (result.phases[0].engine == "live") == (cache == "never")
        sums = np.array(noting.steps) * np.arange(1, 201)  # Keras tells the mean so far
        steps[str(cache)] = np.diff(sums, prepend=0.0)
    live, kept = steps.values()
    np.testing.assert_allclose(kept, live, rtol=1e-4)
    assert live[-20:].mean() < 0.8 * live[:20].mean()  # it learned


def test_what_is_stored_already_needs_no_room(data, backbone, monkeypatch):
    """The same call gives the same again where its own files have filled the disk."""
    options = {"batch_norm": "frozen", "augmentations": ()}
    first, _ = losses(data, backbone, Cache(), **options)
    for name in ("activations._shelf", "training._budget"):
        monkeypatch.setattr(f"cifarkit.{name}.has_room", lambda *nbytes: False)
    maps = sorted(entry.nbytes for entry in kept())[-2:]  # of two parts, not pooled
    options["max_memory"] = int(0.95 * sum(maps))
    again, result = losses(data, backbone, Cache(), **options)
    assert np.array_equal(first, again)
    assert "live" not in [phase.engine for phase in result.phases]


def test_a_frozen_part_that_augments_runs_live(data):
    """Computed once, in inference, its random layers would do nothing."""
    layers = [keras.Input((32, 32, 3)), keras.layers.RandomFlip(name="flip")]
    layers += [keras.layers.Conv2D(4, 3, name="conv"), keras.layers.ReLU(name="relu")]
    phase = Phase(epochs=2, batch_size=32)
    for chosen, engine in (layers, "live"), ([layers[0], *layers[2:]], None):
        made = TwoPhaseTrainer(
            backbones.wrap(keras.Sequential(chosen), preprocess="unit"),
            heads.linear(),
            phase_1=phase,
            phase_2=None,
            augment=(),
            verbose=0,
        )
        (phase_1,) = made.fit(data).phases
        assert (phase_1.engine == "live") == (engine == "live")
    body = backbones.wrap(keras.Sequential(layers), preprocess="unit")
    solved = Phase(optimizer="lbfgs")
    made = TwoPhaseTrainer(body, heads.linear(), phase_1=solved, phase_2=None)
    with pytest.raises(InvalidArgument, match="augments images by itself"):
        made.fit(data)


def test_a_frozen_part_that_adds_to_the_loss_runs_live(data):
    """What is computed once adds nothing to any step."""
    penalty = keras.regularizers.L2(1e-3)
    odd = keras.layers.Conv2D(4, 3, activity_regularizer=penalty)
    network = keras.Sequential([keras.Input((32, 32, 3)), odd])
    body = backbones.wrap(network, preprocess="unit")
    phase = Phase(epochs=2, batch_size=32)
    made = TwoPhaseTrainer(
        body, heads.linear(), phase_1=phase, phase_2=None, augment=(), verbose=0
    )
    assert made.fit(data).phases[0].engine == "live"
    solved = Phase(optimizer="lbfgs")
    made = TwoPhaseTrainer(body, heads.linear(), phase_1=solved, phase_2=None)
    with pytest.raises(InvalidArgument, match="activity regularizer"):
        made.fit(data)


def test_a_preprocessing_that_augments_runs_live(data):
    """A layer that is called so belongs to no body, and augments all the same."""
    several = [keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255)]
    first = keras.Sequential([keras.Input((32, 32, 3)), *several], name="preprocessing")
    convolution = keras.layers.Conv2D(4, 3, name="conv")
    network = keras.Sequential([keras.Input((32, 32, 3)), first, convolution])
    body = backbones.wrap(network, preprocess="raw")
    phase = Phase(epochs=2, batch_size=32)
    made = TwoPhaseTrainer(
        body, heads.linear(), phase_1=phase, phase_2=None, augment=(), verbose=0
    )
    (phase_1,) = made.fit(data).phases
    assert phase_1.engine == "live"
    solved = Phase(optimizer="lbfgs")
    made = TwoPhaseTrainer(body, heads.linear(), phase_1=solved, phase_2=None)
    with pytest.raises(InvalidArgument, match="augments images by itself"):
        made.fit(data)


def test_a_policy_is_what_is_in_it(data, backbone):
    """Flips in a policy can be kept as flips can."""
    nested = augment.compose([augment.compose([augment.flip()])])
    assert nested == augment.compose([augment.flip()])
    assert views_of(nested) == Flips(mirrored=True)
    options = {"batch_norm": "frozen"}
    listed, _ = losses(
        data, backbone, "auto", augmentations=[augment.flip()], **options
    )
    given, result = losses(data, backbone, "auto", augmentations=nested, **options)
    assert "live" not in [phase.engine for phase in result.phases]
    assert np.array_equal(listed, given)


def test_without_memory_for_the_frozen_part_training_is_live(
    data, backbone, monkeypatch, caplog
):
    """Whatever the backend calls it, nothing is lost but time."""

    def full(self):
        raise MemoryError("no room")

    monkeypatch.setattr("cifarkit.activations._extract._Work.done", full)
    options = {"batch_norm": "frozen", "augmentations": ()}
    _, result = losses(data, backbone, Cache(), **options)
    assert [phase.engine for phase in result.phases] == ["live", "live"]
    assert "Training live" in caplog.text


def test_what_is_kept_fits_the_memory_that_may_be_used(data, backbone):
    """Without the memory, training is live; with little, only the last part is kept."""
    options = {"batch_norm": "frozen", "augmentations": ()}
    cache = Cache(disk=False)
    _, none = losses(data, backbone, cache, max_memory=0, **options)
    _, some = losses(data, backbone, cache, max_memory=450_000, **options)
    assert [phase.engine for phase in none.phases] == ["live", "live"]
    assert some.phases[0].engine != "live"
    assert some.phases[1].engine == "live"


def test_what_memory_does_not_hold_is_read_from_disk(data, backbone):
    """With no memory at all, the losses are those of activations in memory."""
    options = {"batch_norm": "frozen", "augmentations": None}
    memory, _ = losses(data, backbone, Cache(disk=False), **options)
    disk, result = losses(data, backbone, "auto", max_memory=0, **options)
    assert "live" not in [phase.engine for phase in result.phases]
    assert np.array_equal(disk, memory)


def test_views_that_cost_more_than_they_save_are_not_kept(data, backbone):
    """One epoch sees each image once: two views of it would be one too many."""
    once = Phase(epochs=1, learning_rate=1e-3)
    for cache, engine in (("auto", True), (Cache(), False)):
        trainer = TwoPhaseTrainer(
            backbone, heads.linear(), phase_1=once, phase_2=None, cache=cache, verbose=0
        )
        assert ("live" in str(trainer.plan(data))) == engine


def test_epochs_that_learn_live_do_not_pay_for_what_is_kept(data, backbone):
    """Where all learns in phase 2, its epochs see nothing of what phase 1 keeps."""
    for first, second, engine in ((1, 3, "live"), (2, 3, "kept"), (2, 1, "kept")):
        trainer = TwoPhaseTrainer(
            backbone,
            heads.linear(),
            phase_1=Phase(epochs=first),
            phase_2=Phase(epochs=second, unfreeze="all"),
            verbose=0,
        )
        plans = trainer.plan(data).phases
        assert ["kept" if each.kept else "live" for each in plans] == [engine, "live"]
        assert engine == "live" or f"2 times for {first} epochs" in plans[0].how


def test_a_gpu_trains_live_unless_told_otherwise(data, backbone, monkeypatch):
    """There the frozen part costs less than to fetch and write what it gives."""
    monkeypatch.setattr("cifarkit.models.device_kind", lambda: "gpu")
    adamw, solved = Phase(epochs=9), Phase(optimizer="lbfgs")
    for phase, cache, wanted in (
        (adamw, "auto", False),
        (adamw, Cache(), True),
        (solved, "auto", True),  # it takes no steps
    ):
        trainer = TwoPhaseTrainer(
            backbone,
            heads.linear(),
            phase_1=phase,
            phase_2=None,
            cache=cache,
            verbose=0,
        )
        assert trainer.plan(data).phases[0].kept == wanted


def test_drawn_views_are_trained_from(data, backbone):
    """Any augmentation of single images can be kept, a few views of each."""
    options = {"batch_norm": "frozen", "augmentations": [augment.crop(4)]}
    _, result = losses(data, backbone, Cache(views=3), **options)
    assert "live" not in [phase.engine for phase in result.phases]
    _, live = losses(data, backbone, "auto", **options)
    assert [phase.engine for phase in live.phases] == ["live", "live"]


def test_only_few_views_are_kept():
    """Nothing, or flips, can be kept; anything else makes endlessly many views."""
    assert views_of(augment.compose(())) == Flips(mirrored=False)
    assert views_of(augment.compose([augment.flip()])) == Flips(mirrored=True)
    for items in ([augment.crop(2)], [augment.flip(), augment.contrast()]):
        assert views_of(augment.compose(items)) is None


def test_the_view_is_the_one_that_augmentation_would_show():
    """With the same noise, the kept view is flipped exactly where the image is."""
    noise = np.random.default_rng(0).random((64, 1), dtype=np.float32)
    images = np.random.default_rng(1).uniform(0, 255, (64, 4, 4, 3)).astype("float32")
    shown, _ = augment.compose([augment.flip()])(images, np.eye(64), noise)
    views = Flips(mirrored=True)
    both = np.stack([views.show(images, view, 0) for view in range(len(views))])
    assert np.array_equal(both[views.choose(noise), np.arange(64)], shown)


def test_a_cut_lies_where_one_tensor_crosses():
    """Inside a residual block two tensors cross, so the cut moves before it."""
    trunk = backbones.get("mobilenetv2", weights=None).build(SIZE)
    inside = trunk.get_layer("block_11_project")
    assert boundary(trunk, inside).layer == "block_10_project_BN"
    assert boundary(trunk, trunk.get_layer("block_13_expand")).layer == "block_12_add"
    assert boundary(trunk, trunk.get_layer("Conv1")) is None
    assert boundary(trunk, None).layer == "out_relu"


def test_parallel_branches_are_not_cut():
    """Where two branches cross side by side, one of them alone is no boundary."""
    image = keras.Input((8, 8, 3))
    one, other = (keras.layers.Conv2D(4, 3, name=name)(image) for name in "ab")
    joined = keras.layers.Add(name="joined")([one, other])
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="last")(joined))
    assert boundary(model, model.get_layer("joined")) is None
    assert boundary(model, model.get_layer("last")).layer == "joined"


def test_what_cannot_be_kept_is_trained_live(data, backbone, monkeypatch, caplog):
    """Activations beyond float16 are no reason to fail: the phases run live."""

    def engine(prefix, sample, precision):
        shape = prefix.output_shape[1:]
        return lambda values: np.full((len(values), *shape), 1e9), _engine.Engine("x")

    monkeypatch.setattr(_extract, "engine_for", engine)
    options = {"batch_norm": "frozen", "augmentations": ()}
    _, result = losses(data, backbone, "auto", **options)
    assert [phase.engine for phase in result.phases] == ["live", "live"]
    assert "Training live" in caplog.text


@pytest.mark.skipif(
    not importlib.util.find_spec("openvino"), reason="openvino is an extra"
)
def test_openvino_gives_the_same_activations(data, mobilenet):
    """In float32 both engines agree to 1e-4 of the largest value."""
    from cifarkit.activations._engine import _by_keras, _by_openvino

    trunk = mobilenet.build(SIZE)
    images = np.zeros((16, SIZE, SIZE, 3), np.float32)
    images[:, ::2, ::3] = 255.0
    expected = _by_keras(trunk)(images)
    received = _by_openvino(trunk, images.shape, "f32")(images)
    assert np.abs(received - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("rough", [0.2, 0.3])
def test_bfloat16_that_rounds_too_much_is_float32(rough, data, mobilenet, monkeypatch):
    """Of what OpenVINO then gives in float32 nothing is lost, its speed neither."""
    pytest.importorskip("openvino")
    exact = _engine._by_openvino

    def rounding(prefix, shape, hint):
        run = exact(prefix, shape, hint)
        return (lambda values: (1 + rough) * run(values)) if hint == "bf16" else run

    monkeypatch.setattr(_engine, "_by_openvino", rounding)
    sample = np.asarray(data.train.images[:16], np.float32)
    sample = np.repeat(np.repeat(sample, 2, axis=1), 2, axis=2)
    _, engine = _engine.engine_for(mobilenet.build(SIZE), sample, "bfloat16")
    precision = "bfloat16" if rough == 0.2 else "float32"
    assert engine == _engine.Engine("openvino", precision)


def test_what_openvino_cannot_read_is_not_said_to_differ(monkeypatch, caplog):
    """It has said so itself; nothing was compared."""
    pytest.importorskip("openvino")
    tried = []
    monkeypatch.setattr(_engine, "_by_openvino", lambda *given: tried.append(given))
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
    _, engine = _engine.engine_for(model, np.ones((8, 4, 4, 3), "f4"), "bfloat16")
    assert engine.name == "tensorflow"
    assert len(tried) == 1
    assert "does not give" not in caplog.text


@given(
    native=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    wanted=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    interpolation=st.sampled_from(backbones.INTERPOLATIONS),
    antialias=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_a_resize_is_two_matrix_products(native, wanted, interpolation, antialias):
    """They give what Keras' own layer gives, whatever the sizes."""
    layer = keras.layers.Resizing(*wanted, interpolation, antialias=antialias)
    plain = keras.Sequential([keras.Input((*native, 3)), layer])
    products = without_resizing(plain)
    assert layer not in products.layers
    images = np.random.default_rng(0).uniform(0, 255, (2, *native, 3))
    given, made = (model(images.astype("float32")) for model in (plain, products))
    np.testing.assert_allclose(
        *map(keras.ops.convert_to_numpy, (made, given)), atol=2e-3
    )


def test_a_resize_that_crops_or_pads_is_left_as_it_is():
    """Two matrices do not say what it does."""
    layer = keras.layers.Resizing(8, 8, pad_to_aspect_ratio=True)
    model = keras.Sequential([keras.Input((4, 6, 3)), layer])
    assert without_resizing(model).layers[-1] is layer


@pytest.mark.parametrize("interpolation", backbones.INTERPOLATIONS)
def test_every_interpolation_runs_in_openvino(interpolation):
    """OpenVINO reads no bicubic resize itself, and some others wrongly."""
    pytest.importorskip("openvino")
    entry = keras.Input((8, 8, 3))
    resized = keras.layers.Resizing(20, 20, interpolation)(entry)
    model = keras.Model(entry, keras.layers.Conv2D(4, 3)(resized))
    sample = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3)).astype("float32")
    _, engine = _engine.engine_for(model, sample)
    assert engine.name == "openvino"


def test_layers_may_have_any_names(data):
    """A backbone with a layer "pool" is not taken for the head."""
    layers = keras.layers
    body = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(4, 3, name="last"),
        ],
        name="body",
    )
    phase = {"epochs": 1, "batch_size": 32, "learning_rate": 1e-2, "optimizer": "sgd"}
    histories = [
        TwoPhaseTrainer(
            backbones.wrap(body, preprocess="unit"),
            heads.classifier(dropout=0.0),
            phase_1=Phase(**phase),
            phase_2=Phase(**phase, unfreeze="last"),
            augment=(),
            cache=cache,
            verbose=0,
        )
        .fit(data)
        .history["loss"]
        for cache in (Cache(dtype="float32"), "never")
    ]
    np.testing.assert_allclose(*histories, rtol=1e-4)


def test_a_layer_that_is_called_again_is_not_cut_off():
    """One ReLU for all is common; a skip past it crosses a place that looks narrow."""
    layers = keras.layers
    relu, image = layers.ReLU(name="relu"), keras.Input((8, 8, 3))
    first = relu(layers.Conv2D(4, 3, padding="same", name="c1")(image))
    values = layers.BatchNormalization(name="b2")(
        layers.Conv2D(4, 3, padding="same", name="c2")(first)
    )
    skip = relu(values)
    values = layers.Conv2D(4, 3, padding="same", name="c3")(skip)
    values = layers.Conv2D(4, 3, padding="same", name="c4")(relu(values))
    model = keras.Model(image, layers.Add(name="add")([skip, values]))
    found = boundary(model, model.get_layer("c4"))
    assert found is None or found.layer == "c1"


def test_operations_between_layers_are_part_of_the_graph():
    """What is scaled without a layer crosses too, and can be cut off."""
    layers, image = keras.layers, keras.Input((8, 8, 3))
    values = layers.Conv2D(4, 3, name="c1")(image / 255.0) * 2.0
    model = keras.Model(image, layers.Conv2D(4, 3, name="c2")(values))
    found = boundary(model, model.get_layer("c2"))
    prefix = keras.Model(model.input, found.tensor)
    suffix = keras.Model(found.tensor, model.output)
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(
        suffix.predict(prefix.predict(images, verbose=0), verbose=0),
        model.predict(images, verbose=0),
        rtol=1e-5,
    )


def test_whether_layers_learn_is_no_part_of_the_key():
    """A probe and a trainer know the same features by one key."""
    trunk = backbones.get("mobilenetv2", weights=None).build(SIZE)
    free = prefix_digest(pooled(trunk, native=(32, 32)))
    for layer in trunk.layers:
        layer.trainable = False
    assert prefix_digest(pooled(trunk, native=(32, 32))) == free


def test_what_fell_back_to_live_training_goes_on_live(
    data, backbone, monkeypatch, tmp_path
):
    """The disk was full, the run is killed, and then there is room again."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    def fit(*callbacks):
        return TwoPhaseTrainer(
            backbone,
            heads.linear(),
            phase_1=Phase(epochs=2, batch_size=64),
            phase_2=None,
            augment=(),
            verbose=0,
        ).fit(data, run_dir=tmp_path / "run", callbacks=callbacks)

    monkeypatch.setattr(_keeping, "SECONDS", 0.0)
    with monkeypatch.context() as full:
        error = SourceError("the disk is full")

        def refuse(*_, **__):
            raise error

        full.setattr(_extract.Extractor, "__call__", refuse)
        with pytest.raises(KeyboardInterrupt):
            fit(Stop())
    assert fit().phases[0].engine == "live"
