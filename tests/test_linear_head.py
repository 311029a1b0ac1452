"""A linear head at its optimum: the mathematics, the choice of penalty, refusals."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit.activations import Cache
from cifarkit.training import _logistic
from cifarkit.training._logistic import (
    PENALTIES,
    UNCHOSEN,
    Samples,
    Scaling,
    best,
    few_of,
)

LBFGS = Phase(optimizer="lbfgs")
SEEDS = st.integers(0, 2**31)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def data():
    """A small set of learnable images."""
    return datasets.synthetic(n=200, size=16, classes=4)


@pytest.fixture(scope="module")
def backbone():
    """A small backbone whose weights every build shares."""
    glorot = keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(8, 3, kernel_initializer=glorot(1), name="block_1"),
            keras.layers.ReLU(name="relu_1"),
            keras.layers.Conv2D(16, 3, kernel_initializer=glorot(2), name="block_2"),
            keras.layers.ReLU(name="relu_2"),
        ],
        name="tiny",
    )
    return backbones.wrap(model, preprocess="unit")


def trainer(backbone, head=None, phase_2=None, phase_1=LBFGS, **options):
    """Return a silent trainer that keeps what it can in memory."""
    options = {"verbose": 0, "augment": (), "cache": Cache(disk=False)} | options
    head = head or heads.linear()
    return TwoPhaseTrainer(backbone, head, phase_1=phase_1, phase_2=phase_2, **options)


def blobs(seed, *, classes, count=120, features=6, noise=1.5):
    """Return overlapping classes of features, and uneven weights."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = random.normal(size=(classes, features))
    values = centres[labels] + noise * random.normal(size=(count, features))
    weights = random.uniform(0.2, 3.0, classes).astype(np.float32)
    return Samples(values.astype(np.float32), labels, weights[labels])


def gradient(samples, weights, penalty):
    """Return the gradient of mean loss plus half the penalty, by its definition."""
    kernel, bias = (each.astype(np.float64) for each in weights)
    logits = samples.features.astype(np.float64) @ kernel + bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    errors = shares - np.eye(kernel.shape[1])[samples.labels]
    errors *= samples.weights[:, None] / samples.weights.sum(dtype=np.float64)
    return np.vstack(
        [samples.features.T @ errors + penalty * kernel, errors.sum(axis=0)]
    )


@settings(max_examples=25)
@given(SEEDS, st.integers(2, 5))
def test_the_head_is_at_its_optimum(seed, classes):
    """The gradient of the weighted, penalised loss vanishes, for two classes too."""
    samples = blobs(seed, classes=classes)
    weights = best(samples, None, few=few_of(samples.labels))
    assert weights[0].shape == (6, classes)
    assert np.abs(gradient(samples, weights, UNCHOSEN)).max() < 5e-4


PAIRS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(PAIRS, min_size=len(PENALTIES), max_size=len(PENALTIES)))
def test_the_penalty_is_the_best_on_the_validation_samples(pairs):
    """It is the most accurate one, and of equals the one with the lowest loss."""
    scores = dict(zip(PENALTIES, pairs, strict=True))
    samples = blobs(0, classes=2, count=4)

    def fitted(model, given, penalty):
        model.coef_ = model.intercept_ = penalty
        return penalty

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_logistic, "fitted", fitted)
        patch.setattr(_logistic, "score", lambda given, penalty: scores[penalty])
        chosen = best(samples, samples, few=np.arange(4))
    loss, accuracy = scores[chosen]
    assert accuracy == max(each for _, each in pairs)
    assert loss == min(each for each, other in pairs if other == accuracy)


def test_the_penalty_is_chosen_on_a_few_and_all_are_fitted(monkeypatch):
    """The path sees the few alone, strong penalties first; one fit sees everything."""
    train, seen = blobs(0, classes=3), []
    fitted = _logistic.fitted

    def noting(model, samples, penalty):
        seen.append((len(samples.labels), penalty))
        return fitted(model, samples, penalty)

    monkeypatch.setattr(_logistic, "fitted", noting)
    best(train, blobs(1, classes=3), few=np.arange(30))
    assert seen[:-1] == [(30, penalty) for penalty in sorted(PENALTIES, reverse=True)]
    assert seen[-1][0] == len(train.labels)
    assert seen[-1][1] in PENALTIES


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 8), st.integers(1, 25_000))
def test_a_few_are_of_every_class_in_proportion(seed, classes, count):
    """Places are distinct, about 10,000 at most, and keep the shares of the classes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count) * random.integers(0, 2, count)
    places = few_of(labels)
    assert len(set(places)) == len(places) <= 10_000 + classes
    assert len(places) >= min(count, 10_000)
    share = len(places) / count
    found, all_of_them = np.bincount(labels[places]), np.bincount(labels)
    assert np.array_equal(found > 0, all_of_them > 0)
    assert np.abs(found - share * all_of_them).max() <= classes + 2


def test_a_rare_class_is_among_the_few():
    """One image of 25,000 is chosen where it is the only one of its class."""
    labels = np.zeros(25_000, np.int64)
    labels[3] = 1
    assert 3 in few_of(labels)
    assert len(few_of(labels)) <= 10_001


@given(SEEDS, st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_the_scaling_is_folded_into_the_weights(seed, spread, centre):
    """Raw features under folded weights give what standardised ones give."""
    random = np.random.default_rng(seed)
    features = (centre + spread * random.normal(size=(50, 5))).astype(np.float32)
    features[:, 2] = 7.0
    raw, scaling = features.copy(), Scaling.of(features)
    scaling.apply(features)
    assert np.allclose(np.delete(features, 2, axis=1).std(axis=0), 1, atol=1e-3)
    kernel, bias = random.normal(size=(5, 3)), random.normal(size=3)
    plain, shift = scaling.folded(kernel, bias)
    size = np.abs(raw[:, :, None] * plain).max() + np.abs(shift).max()
    ours = raw.astype(np.float64) @ plain + shift
    assert np.allclose(ours, features @ kernel + bias, atol=1e-5 * max(1.0, size))
    assert np.isfinite(plain).all()


def test_a_phase_without_steps_gives_a_result_like_any_other(data, backbone):
    """One epoch, whose figures are those of the model; only the head has changed."""
    result = trainer(backbone).fit(data)
    (phase,) = result.phases
    names = {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert set(phase.history) == names
    assert {len(each) for each in phase.history.values()} == {1}
    assert phase.kept_epoch == 0
    assert phase.engine != "live"
    for split, prefix in ((data.train, ""), (data.validation, "val_")):
        found = evaluate(result.model, split)
        loss, accuracy = (
            phase.history[prefix + name][0] for name in ("loss", "accuracy")
        )
        assert found.loss == pytest.approx(loss, rel=1e-2, abs=1e-4)
        assert found.accuracy == pytest.approx(accuracy, abs=1e-6)
    assert phase.history["val_accuracy"][0] > 0.6
    trunk = result.model.get_layer("tiny").get_weights()
    start = backbone.build(16).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(trunk, start, strict=True))
    kept = zip(result.model.get_weights(), phase.weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in kept)


def test_the_model_is_saved_and_trained_on_like_any_other(data, backbone, tmp_path):
    """The head is the dense layer that it was; phase 2 begins where phase 1 ended."""
    after = Phase(epochs=1, learning_rate=1e-6, unfreeze="all", schedule="constant")
    head = heads.classifier(hidden=(), dropout=0.2, input_dropout=0.1)
    result = trainer(backbone, head, phase_2=after).fit(data)
    kinds = [type(layer) for layer in result.model.get_layer("head").layers]
    assert kinds[-1] is keras.layers.Dense
    first, second = (phase.history["val_loss"][0] for phase in result.phases)
    assert second == pytest.approx(first, rel=0.05, abs=1e-3)
    loaded = TrainResult.load(result.save(tmp_path / "result"))
    assert loaded.phases[0].to_dict() == result.phases[0].to_dict()
    given = loaded.provenance["phases"][0]
    assert given["optimizer"] == "lbfgs"


def test_the_same_images_give_the_same_head(data, backbone):
    """There is no chance in it: the seed of a trainer changes nothing."""
    runs = [trainer(backbone, seed=seed).fit(data).phases[0].weights for seed in (0, 1)]
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))


def test_every_view_of_an_image_counts(data, backbone):
    """With flips, the training loss is that of the images and their mirror images."""
    labels = np.random.default_rng(0).permutation(data.train.labels)
    images, rows = data.train.images, np.arange(len(labels))
    result = trainer(backbone, augment=augment.flip()).fit((images, labels))
    plain, mirrored = (
        -np.log(result.model.predict(seen, verbose=0)[rows, labels]).mean()
        for seen in (images, images[:, :, ::-1])
    )
    loss = result.phases[0].history["loss"][0]
    assert (plain + mirrored) / 2 == pytest.approx(loss, rel=1e-3)
    assert plain != pytest.approx(mirrored, rel=1e-2)


def test_class_weights_count(data, backbone):
    """A class of large weight is predicted more often; the loss is weighted."""
    random = np.random.default_rng(0).permutation(data.train.labels)
    shares, losses = [], []
    for weight in (1.0, 20.0):
        phase = Phase(optimizer="lbfgs", class_weight={0: weight})
        result = trainer(backbone, phase_1=phase).fit((data.train.images, random))
        given = result.model.predict(data.train.images, verbose=0)
        shares.append(given[:, 0].mean())
        own = -np.log(given[np.arange(len(random)), random])
        losses.append(np.mean(own * np.where(random == 0, weight, 1.0)))
        assert losses[-1] == pytest.approx(result.history["loss"][0], rel=1e-2)
    assert shares[1] > shares[0] + 0.3


def test_without_validation_images_the_penalty_is_fixed(data, backbone):
    """The result has no validation figures, and is that of the stated penalty."""
    result = trainer(backbone).fit((data.train.images, data.train.labels))
    assert set(result.phases[0].history) == {"loss", "accuracy"}
    head = result.model.get_layer("head")
    trunk = keras.Sequential([result.model.get_layer("tiny"), head.get_layer("pool")])
    features = trunk.predict(data.train.images.astype(np.float32), verbose=0)
    scaling = Scaling.of(features)
    kernel, bias = (each.astype(np.float64) for each in head.get_weights())
    plain = (kernel * scaling.spread[:, None], bias + scaling.mean @ kernel)
    scaling.apply(features)
    ones = np.ones(len(features), np.float32)
    samples = Samples(features, data.train.labels, ones)
    assert np.abs(gradient(samples, plain, UNCHOSEN)).max() < 2e-3
    assert np.abs(gradient(samples, plain, 10 * UNCHOSEN)).max() > 1e-2


class Noting(keras.callbacks.Callback):
    """Notes what it is told, and saves the model."""

    def __init__(self, path):
        super().__init__()
        self.path, self.events = path, []

    def on_train_begin(self, logs=None):
        self.events.append("train begins")

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(f"epoch {epoch} begins")

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(sorted(logs))
        self.model.save(self.path)

    def on_train_end(self, logs=None):
        self.events.append("train ends")


def test_callbacks_are_called_as_in_one_epoch(data, backbone, tmp_path):
    """They see the fitted network, and save it without its training-only parts."""
    noting = Noting(tmp_path / "seen.keras")
    stopping = keras.callbacks.EarlyStopping(restore_best_weights=True)
    result = trainer(backbone).fit(data, callbacks=[noting, stopping])
    assert noting.events == [
        "train begins",
        "epoch 0 begins",
        ["accuracy", "loss", "val_accuracy", "val_loss"],
        "train ends",
    ]
    saved = keras.models.load_model(noting.path).get_weights()
    pairs = zip(saved, result.model.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_it_is_silent_or_prints_one_line(data, backbone, capfd):
    """As in any phase, verbose=0 prints nothing, and 2 a line for the epoch."""
    trainer(backbone).fit(data)
    assert capfd.readouterr().out == ""
    trainer(backbone, verbose=2).fit(data)
    lines = [line for line in capfd.readouterr().out.splitlines() if "val_loss" in line]
    assert len(lines) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 3},
        {"learning_rate": 1e-2},
        {"schedule": "constant"},
        {"warmup": 0.0},
        {"unfreeze": "all"},
        {"batch_norm": "tuned"},
        {"patience": 2},
        {"batch_size": 32},
        {"loss": "mse"},
        {"label_smoothing": 0.1},
        {"metrics": ("auc",)},
        {"weight_decay": 0.1},
        {"clip_norm": 1.0},
        {"weight_averaging": 0.9},
        {"rate_decay": 0.5},
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(change):
    """Whatever means nothing without steps is named where it is given."""
    (name,) = change
    with pytest.raises(InvalidArgument, match=f"no {name} beside optimizer='lbfgs'"):
        Phase(optimizer="lbfgs", **change)


def test_a_network_that_has_no_optimum_is_refused_before_training(data, backbone):
    """Hidden layers, a penalty of its own, no head, a missing class."""
    for head, text in (
        (heads.classifier(), "hidden layers"),
        (heads.linear(l2=1e-3), "an l2 of its own"),
    ):
        with pytest.raises(InvalidArgument, match=f"phase_1: .*{text}"):
            trainer(backbone, head).plan(data)
    network = models.cnn("s2-m1", classes=4, size=16)
    with pytest.raises(InvalidArgument, match="without a head"):
        TwoPhaseTrainer(network, phase_1=LBFGS, verbose=0).plan(data)
    some = data.train.labels != 2
    lacking = datasets.Split(
        data.train.images[some], data.train.labels[some], data.train.class_names, 16
    )
    with pytest.raises(InvalidData, match="none of class 2"):
        trainer(backbone).fit(lacking, validation=data.validation)


def test_images_of_which_nothing_is_kept_are_refused(data, backbone):
    """A stream is refused at once; live training says what to allow."""
    tensorflow = pytest.importorskip("tensorflow")
    pairs = (data.train.images, data.train.labels)
    stream = tensorflow.data.Dataset.from_tensor_slices(pairs).batch(32)
    with pytest.raises(InvalidArgument, match="stream of images"):
        trainer(backbone).plan(stream)
    for options in ({"cache": "never"}, {"augment": [augment.crop(2)]}):
        with pytest.raises(InvalidArgument, match="Allow it: cache='auto'"):
            trainer(backbone, **options).fit(data)


def test_it_needs_nothing_but_the_defaults(data, backbone):
    """Alone, beside flips: both views are kept, though there is one epoch."""
    trainer = TwoPhaseTrainer(
        backbone, heads.linear(), phase_1=LBFGS, phase_2=None, verbose=0
    )
    plan = str(trainer.plan(data, timed=True))
    assert "L-BFGS to the optimum" in plan
    assert "epochs of" not in plan
    assert "per epoch" not in plan
    assert trainer.fit(data).phases[0].validation_accuracy > 0.5
