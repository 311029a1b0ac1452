"""The probe: what it ranks by, what it may look at, what it says of time."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from cifarkit import backbones, datasets, metrics
from cifarkit._errors import InvalidArgument, InvalidData, UnknownName
from cifarkit._probe import Probed, Probes, _fit, _forecast, _pass, probe
from cifarkit._probe._fit import held_out
from cifarkit.activations import (
    PLAIN,
    Cache,
    Engine,
    _extract,
    extract,
    kept,
    pooled,
)
from cifarkit.datasets import Splits
from cifarkit.training import PHASE_2

RATES = st.floats(1.0, 1e4)
COUNTS = st.integers(1, 10**5)
FOUND = Probed(
    backbone="tiny",
    weights="wrapped",
    preprocess="unit",
    size=16,
    right=3,
    scored=4,
    loss=0.5,
    features=6,
    nbytes=2**20,
    engine="tensorflow",
    images_per_second=None,
    forecast=None,
)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty, and one engine."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)


def tiny(name, *, blind=False, size=None):
    """Return a small backbone; a blind one gives the same for all images."""
    kernel = "zeros" if blind else keras.initializers.GlorotUniform(1)
    model = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Conv2D(6, 3, kernel_initializer=kernel, name="conv_1"),
            keras.layers.ReLU(name="relu_1"),
        ],
        name=name,
    )
    return backbones.wrap(model, preprocess="unit")


@pytest.fixture(scope="module")
def seeing():
    """A backbone that tells colours apart."""
    return tiny("seeing")


@pytest.fixture(scope="module")
def blind():
    """A backbone that tells nothing apart."""
    return tiny("blind", blind=True)


@pytest.fixture(scope="module")
def data():
    """A few learnable images."""
    return datasets.synthetic(n=150, size=16, classes=3)


def test_the_better_backbone_is_first(data, seeing, blind):
    """Whatever the order of the arguments; and the figures are those of the data."""
    found = probe(data, backbones=(blind, seeing), sizes=(16, 20))
    names = [each.backbone for each in found.results]
    assert names == ["seeing", "seeing", "blind", "blind"]
    assert {each.size for each in found.results} == {16, 20}
    assert found.best is found.results[0]
    assert found.best.accuracy > 0.9
    low, high = found.results[-1].interval
    assert low < 1 / 3 < high
    assert (found.train, found.validation) == (len(data.train), len(data.validation))
    for each in found.results:
        assert (each.features, each.scored) == (6, len(data.validation))
        assert each.nbytes == 2 * 6 * (found.train + found.validation)
        assert each.engine == "tensorflow"


def test_the_test_images_are_never_looked_at(data, seeing):
    """Without any, all figures but those of time are the same."""
    found = [
        probe(given, backbones=(seeing,), sizes=(16,))
        for given in (data, Splits(data.train, data.validation, data.test.take(0)))
    ]
    assert found[0].best.loss == found[1].best.loss
    assert len(kept()) == 1


def test_nothing_is_chosen_on_what_is_scored(data, seeing, monkeypatch):
    """All fits see training images alone, and the last one sees all of them."""
    seen, original = [], _fit._fit

    def watching(head, features, labels, penalty):
        seen.append((features.copy(), labels, penalty))
        original(head, features, labels, penalty)

    monkeypatch.setattr(_fit, "_fit", watching)
    probe(data, backbones=(seeing,), sizes=(16,))
    first, *_ = seen
    *chosen, last = seen
    assert [penalty for _, _, penalty in chosen] == list(_fit.PENALTIES)
    assert len(last[0]) == len(data.train)
    held = held_out(data.train.labels)
    for features, labels, _ in chosen:
        assert np.array_equal(features, last[0][~held])
        assert np.array_equal(labels, data.train.labels[~held])
    seen.clear()
    other = replace(data.validation, images=255 - data.validation.images)
    other = Splits(data.train, other, data.test)
    probe(other, backbones=(seeing,), sizes=(16,))
    assert np.array_equal(seen[0][0], first[0])
    assert seen[-1][2] == last[2]


def test_the_penalty_is_the_one_of_lowest_loss():
    """It is chosen by the loss of the images that are held out, and by nothing else."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = random.normal(size=(60, 40)) + np.eye(3, 40)[labels]
    held = held_out(labels)
    losses = {}
    for penalty in _fit.PENALTIES:
        head = LogisticRegression(C=1 / (penalty * (~held).sum()), max_iter=1000)
        shares = head.fit(features[~held], labels[~held]).predict_proba(features[held])
        losses[penalty] = metrics.cross_entropy(labels[held], shares)
    head = LogisticRegression(warm_start=True, max_iter=1000)
    best = min(losses, key=losses.get)
    assert best not in (_fit.PENALTIES[0], _fit.PENALTIES[-1])
    assert _fit._penalty(head, features, labels) == best
    assert _fit._penalty(head, features[:3], labels[:3]) == _fit.UNCHOSEN
    assert _fit._penalty(head, features[:13], labels[:13]) == _fit.UNCHOSEN  # by one


def test_a_penalty_means_the_same_for_two_classes_as_for_more():
    """One vector stands for two opposite halves, which are what is penalised."""
    random = np.random.default_rng(0)
    labels = np.arange(80) % 2
    features = (random.normal(size=(80, 5)) + labels[:, None]).astype(np.float32)
    head = LogisticRegression(max_iter=1000, tol=1e-8)
    _fit._fit(head, features, labels, 0.3)
    centre = head.coef_[0] / 2
    logits = features @ centre * 2 + head.intercept_[0]
    slopes = (1 / (1 + np.exp(-logits)) - labels) @ features / len(labels)
    # Where the loss of both halves, centre and -centre, is least: its slope is none.
    np.testing.assert_allclose(slopes + 0.3 * centre, 0, atol=1e-5)


@given(st.lists(st.integers(0, 4), max_size=60))
def test_a_fifth_of_each_class_is_held_out(labels):
    """Rounded down, and never the first: a class is not held out as a whole."""
    numbers = np.array(labels, np.int64)
    held = held_out(numbers)
    for label in set(labels):
        own = held[numbers == label]
        assert own.sum() == len(own) // 5
        assert not own[0]


def test_what_is_kept_is_not_computed_or_timed(data, seeing, monkeypatch):
    """The second time nothing runs, the figures stay, and the table says so."""
    options = {"backbones": (seeing,), "sizes": (16,), "images": 60}
    first = probe(data, **options)
    assert first.best.images_per_second > 0
    share = _forecast.behind_the_cut(seeing, seeing.build(16))
    assert first.best.forecast == _forecast.forecast(
        first.best.images_per_second,
        share,
        first.best.engine,
        len(data.train),  # all of them, not those that were probed
        len(data.validation),
    )
    assert "kept" not in str(first)
    with monkeypatch.context() as patched:
        patched.setattr(_extract, "engine_for", None)
        again = probe(data, **options)
    untimed = replace(first.best, images_per_second=None, forecast=None)
    assert again.best == untimed
    assert "kept: read from disk, so that nothing was timed" in str(again)
    memory = probe(data, **options, cache=Cache(disk=False))
    assert memory.best.images_per_second > 0


def test_a_pass_has_the_key_of_plain_images(data, seeing):
    """What a probe has computed is at hand for whoever asks for the same images."""
    network = pooled(seeing.build(16), native=data.train.images.shape[1:3])
    done = _pass.passed(network, data.train.images, None)
    plain = extract(network, data.train.images, PLAIN)
    assert done.activations.digest == plain.digest
    assert np.array_equal(done.features(), plain.view(0).astype(np.float32))
    assert len(kept()) == 1


def test_the_rate_leaves_out_the_preparation(data, seeing, monkeypatch):
    """Of a minute to get ready and a second per batch, only the latter counts."""
    clock = SimpleNamespace(now=0.0)

    def engine(prefix, sample, precision):
        clock.now += 60.0

        def run(batch):
            clock.now += 1.0
            return np.zeros((len(batch), 6), np.float32)

        return run, Engine("slow")

    monkeypatch.setattr(_extract, "engine_for", engine)
    watch = SimpleNamespace(perf_counter=lambda: clock.now)
    monkeypatch.setattr(_pass, "time", watch)
    images = np.repeat(data.train.images, 3, axis=0)
    network = pooled(seeing.build(16), native=images.shape[1:3])
    batches = -(-len(images) // _extract.BATCH)
    assert batches > 1
    done = _pass.passed(network, images, Cache(disk=False))
    assert done.rate == len(images) / batches


def test_random_weights_are_probed_too(data):
    """MobileNetV2 without weights, at two sizes, in one call."""
    random = backbones.get("mobilenetv2", weights=None)
    found = probe(data, backbones=(random,), sizes=(64, 80), images=30)
    assert {each.size for each in found.results} == {64, 80}
    assert {each.weights for each in found.results} == {"random"}
    assert all(each.features == random.spec.features for each in found.results)


@given(rate=RATES, share=st.floats(0.0, 1.0), train=COUNTS, others=COUNTS)
def test_a_forecast_follows_its_rule(rate, share, train, others):
    """Passes once per view; steps at three times their work; in inverse of the rate."""
    plain = _forecast.forecast(rate, share, "tensorflow", train, others)
    fast = _forecast.forecast(rate, share, "openvino", train, others)
    passes = (_forecast.VIEWS * train + others) / rate
    steps = PHASE_2.epochs * share * (3 * train + others) / rate
    assert plain == pytest.approx(passes + steps)
    assert fast == pytest.approx(passes + _forecast.SLOWER * steps)
    none = _forecast.forecast(rate, 0.0, "openvino", train, others)
    assert none == pytest.approx(passes)


def test_the_share_behind_the_cut(monkeypatch):
    """It is that of the multiply-adds of the convolutions that learn."""
    layers = [
        keras.layers.Conv2D(4, 3, padding="same", name="conv_1"),
        keras.layers.DepthwiseConv2D(5, strides=2, padding="same", name="conv_2"),
        keras.layers.Conv2D(8, 1, name="conv_3"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    backbone = backbones.wrap(model, preprocess="raw")
    trunk = backbone.build(8)
    work = [8 * 8 * 9 * 3 * 4, 4 * 4 * 25 * 4, 4 * 4 * 4 * 8]
    for learn in (1, 2, 3):
        phase = replace(PHASE_2, unfreeze=learn)
        monkeypatch.setattr(_forecast, "PHASE_2", phase)
        share = _forecast.behind_the_cut(backbone, trunk)
        assert share == pytest.approx(sum(work[-learn:]) / sum(work))
    for unfreeze, share in ((4, 1.0), ("all", 1.0), (None, 0.0)):
        phase = replace(PHASE_2, unfreeze=unfreeze)
        monkeypatch.setattr(_forecast, "PHASE_2", phase)
        assert _forecast.behind_the_cut(backbone, trunk) == share


def test_the_share_of_a_real_network():
    """The default cut leaves a part of the work before it and a part behind it."""
    backbone = backbones.get("mobilenetv2", weights=None)
    trunk = backbone.build(64)
    share = _forecast.behind_the_cut(backbone, trunk)
    end = trunk.get_layer("block_6_project_BN")
    body = backbone.body(trunk)
    behind = _forecast._work(body[body.index(end) + 1 :])
    assert share == behind / _forecast._work(body)
    assert 0 < share < 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sizes": (96, 16)}, InvalidArgument, "at least 32 x 32"),
        ({"sizes": (96.0,)}, InvalidArgument, "whole number"),
        ({"sizes": 96}, InvalidArgument, r"sizes=\(one,\)"),
        ({"sizes": ()}, InvalidArgument, "at least one"),
        ({"sizes": (96, 96)}, InvalidArgument, "twice"),
        ({"backbones": "mobilenetv2"}, InvalidArgument, r"backbones=\(one,\)"),
        ({"backbones": ("mobilnetv2",)}, UnknownName, "Did you mean"),
        ({"backbones": (3,)}, InvalidArgument, "name or a Backbone"),
        ({"backbones": ("vgg16", "vgg16")}, InvalidArgument, "twice"),
        ({"images": 0}, InvalidArgument, "images"),
        ({"images": 2.5}, InvalidArgument, "images"),
        ({"images": 2}, InvalidData, "images of class"),
        ({"seed": -1}, InvalidArgument, "seed"),
        ({"cache": "auto"}, InvalidArgument, "activations.Cache"),
    ],
)
def test_what_cannot_be_meant_is_refused(data, monkeypatch, options, error, words):
    """One clear error, before anything is built."""
    monkeypatch.setattr(backbones.Backbone, "build", None)
    with pytest.raises(error, match=words):
        probe(data, **options)


def test_a_fixed_size_is_the_only_one(data, monkeypatch):
    """A backbone that is fixed to a size is not probed at another."""
    fixed = tiny("fixed", size=16)
    found = probe(data, backbones=(fixed,), sizes=(16,))
    assert found.best.size == 16
    monkeypatch.setattr(backbones.Backbone, "build", None)
    with pytest.raises(InvalidArgument, match="fixed to it"):
        probe(data, backbones=(fixed,), sizes=(16, 20))


def test_data_that_cannot_be_probed_are_refused(data, seeing):
    """Images to score on are needed, of the size of the others, and splits."""
    none = Splits(data.train, data.validation.take(0), data.test)
    large = replace(data.validation, images=np.zeros((30, 9, 9, 3), np.uint8))
    bad = [none, Splits(data.train, large, data.test), data.train, None]
    for given_data in bad:
        with pytest.raises(InvalidData, match="Expected"):
            probe(given_data, backbones=(seeing,), sizes=(16,))


def test_equal_accuracies_are_ranked_by_loss():
    """Of two that are right as often, the surer one comes first."""
    worse, lower = replace(FOUND, right=2, loss=0.1), replace(FOUND, loss=0.4)
    found = Probes(results=(worse, FOUND, lower), train=8, validation=4, seed=0)
    assert found.results == (lower, FOUND, worse)


def test_a_table_and_a_dictionary(data, seeing, blind):
    """One line for each pair, the best first, and all figures as JSON."""
    found = probe(data, backbones=(blind, seeing), sizes=(16,), images=45, seed=3)
    lines = str(found).splitlines()
    assert "45 training images" in lines[0]
    assert [line.split()[0] for line in lines[2:4]] == ["seeing", "blind"]
    assert len(lines[2]) == len(lines[1]) <= 88
    assert f"{found.best.accuracy:.2%}" in lines[2]
    values = json.loads(json.dumps(found.to_dict()))
    assert values["seed"] == 3
    assert values["results"][0]["accuracy"] == found.best.accuracy
    assert values["results"][0]["interval"] == list(found.best.interval)
    assert [each["backbone"] for each in values["results"]] == ["seeing", "blind"]


def test_values_that_contradict_themselves_are_refused():
    """More right answers than images, none at all, and an empty table."""
    for wrong in ({"right": 5}, {"right": -1}, {"right": 0, "scored": 0}):
        with pytest.raises(InvalidData, match="right"):
            replace(FOUND, **wrong)
    with pytest.raises(InvalidData, match="at least one result"):
        Probes(results=(), train=8, validation=4, seed=0)


def test_the_clock_of_a_pass_is_the_real_one(data, seeing):
    """A pass cannot be faster than the time that it took."""
    network = pooled(seeing.build(16), native=data.train.images.shape[1:3])
    started = time.perf_counter()
    done = _pass.passed(network, data.train.images, None)
    assert done.rate > len(data.train) / (time.perf_counter() - started)
