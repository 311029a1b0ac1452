"""Options of a recipe: averaged weights, rates by block, clipping, smoothing."""

import json
from itertools import groupby
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, evaluate, heads
from cifarkit._errors import InvalidArgument
from cifarkit.training._optimizing import optimizer_of, schedule_of
from cifarkit.training._rates import scaled, shares_of

STEPS = {"epochs": 2, "learning_rate": 0.05, "optimizer": "sgd", "batch_size": 32}
STEPS |= {"schedule": "constant"}


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
    """A small backbone with batch norm, whose weights every build shares."""
    glorot = keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(6, 3, kernel_initializer=glorot(1), name="first"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.ReLU(name="relu"),
        ],
        name="tiny",
    )
    return backbones.wrap(model, preprocess="unit")


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """MobileNetV2 with random weights that every build shares."""
    path = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    backbones.get("mobilenetv2", weights=None).build(64).save_weights(path)
    return backbones.get("mobilenetv2", weights=path, size=64)


def fit(data, backbone, phase, callbacks=()):
    """Train a linear head, and what a phase unfreezes, in this one phase."""
    made = TwoPhaseTrainer(
        backbone,
        heads.linear(),
        phase_1=phase,
        phase_2=None,
        augment=(),
        cache="never",
        verbose=0,
    )
    return made.fit(data, callbacks=callbacks)


class Noting(keras.callbacks.Callback):
    """Notes the network's weights after each step and at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.steps, self.epochs = [], []

    def _weights(self):
        network = self.model.network
        return {each.path: np.array(each) for each in network.weights}

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self._weights())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self._weights())


def averages(noting, decay):
    """Return the average of each weight that learns after each step, by definition."""
    found = []
    for weights in noting.steps:
        last = found[-1] if found else weights
        found.append(
            {
                path: value
                if "moving" in path
                else decay * last[path].astype(np.float64) + (1 - decay) * value
                for path, value in weights.items()
            }
        )
    return found


def equal(one, other):
    """Whether two sets of weights agree up to rounding."""
    return all(np.allclose(one[path], other[path], atol=1e-6) for path in one)


def test_a_phase_ends_with_the_average_of_its_weights(data, backbone):
    """At the end of each epoch, and of the phase, stands the average by its definition.

    The steps themselves, and the statistics of batch norm, are those of training
    without an average.
    """
    phase = STEPS | {"unfreeze": "all", "batch_norm": "tuned"}
    plain, noting = Noting(), Noting()
    without = fit(data, backbone, Phase(**phase), [plain])
    result = fit(data, backbone, Phase(**phase, weight_averaging=0.8), [noting])
    wanted = averages(noting, 0.8)
    final = {each.path: np.array(each) for each in result.model.weights}
    per_epoch = len(noting.steps) // 2
    assert equal(noting.epochs[0], wanted[per_epoch - 1])
    assert equal(noting.epochs[1], wanted[-1])
    assert equal(final, wanted[-1])
    assert not equal(final, noting.steps[-1])
    assert all(map(equal, noting.steps, plain.steps))
    assert result.history["loss"] == pytest.approx(without.history["loss"], rel=1e-5)


def test_what_is_validated_is_the_average(data, backbone):
    """The last validation is that of the model; ours or the user's own average."""
    own = keras.optimizers.SGD(use_ema=True, ema_momentum=0.9)
    phases = (
        Phase(**STEPS, weight_averaging=0.9),
        Phase(**STEPS | {"optimizer": own}),
        Phase(**STEPS),
    )
    losses = []
    for phase in phases:
        result = fit(data, backbone, phase)
        losses.append(result.history["val_loss"][-1])
        again = evaluate(result.model, data.validation).loss
        assert losses[-1] == pytest.approx(again, rel=1e-5)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


@pytest.mark.parametrize("restore", [True, False])
def test_an_early_stop_ends_with_an_average(data, backbone, restore):
    """With patience the best epoch's average comes back, else the last one stands."""
    phase = STEPS | {"epochs": 12, "optimizer": "adam", "learning_rate": 5.0}
    phase["weight_averaging"] = 0.5
    callbacks = [Noting()]
    if restore:
        phase["patience"] = 2
    else:
        callbacks.append(keras.callbacks.EarlyStopping(patience=2))
    (result,) = fit(data, backbone, Phase(**phase), callbacks).phases
    losses = result.history["val_loss"]
    assert len(losses) < 12, losses
    assert result.kept_epoch == (np.argmin(losses) if restore else len(losses) - 1)
    kept = callbacks[0].epochs[result.kept_epoch].values()
    pairs = zip(result.weights, kept, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    last = averages(callbacks[0], 0.5)[-1]
    assert equal(callbacks[0].epochs[-1], last)
    assert not equal(callbacks[0].steps[-1], last)


BLOCKS = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=10)


def layer(name, learns=True):
    """Return what stands in for a layer with one variable."""
    return SimpleNamespace(
        name=name, trainable_variables=[SimpleNamespace()] if learns else []
    )


@given(BLOCKS, st.floats(0.1, 0.9))
def test_each_block_towards_the_stem_takes_a_share_of_the_next(names, decay):
    """Blocks in a row have decay, its square, ...; rows without a name are a block."""
    numbered = [
        [name and f"{name}{row}"] * len(list(same))
        for row, (name, same) in enumerate(groupby(names))
    ]
    blocks = [name for same in numbered for name in same]
    layers = [layer(f"{place}") for place in range(len(blocks))]
    shares = shares_of(layers, decay, block_of=lambda name: blocks[int(name)])
    depths = list(range(len(numbered), 0, -1))
    wanted = [
        decay**depth for depth, same in zip(depths, numbered, strict=True) for _ in same
    ]
    found = [shares[id(each.trainable_variables[0])] for each in layers]
    assert found == wanted


def test_blocks_in_which_nothing_learns_do_not_count():
    """A frozen block, and layers without weights, lie at no depth."""
    layers = [layer("a_1"), layer("b_1", False), layer("add", False), layer("c_1")]
    shares = shares_of(layers, 0.5, block_of=lambda name: name.rpartition("_")[0])
    assert list(shares.values()) == [0.5, 0.25]


def test_one_step_moves_each_block_by_its_own_rate(data, mobilenet):
    """In the real network, a step is rate times decay to the depth times gradient."""
    rate, decay = 0.5, 0.3
    phase = STEPS | {"epochs": 1, "batch_size": 200, "learning_rate": rate}
    phase |= {"unfreeze": "block_15", "batch_norm": "tuned"}
    start = mobilenet.build(64)
    before = {each.path: np.array(each) for each in start.trainable_weights}
    moves = []
    for options in ({}, {"rate_decay": decay}):
        result = fit(data, mobilenet, Phase(**phase, **options))
        trunk = result.model.get_layer(start.name)
        kernel, bias = result.model.get_layer("head").get_weights()
        after = {each.path: np.array(each) for each in trunk.trainable_weights}
        moves.append({path: after[path] - before[path] for path in after})
        moves[-1] |= {"kernel": kernel, "bias": bias}
    shares = {"block_15": decay**3, "block_16": decay**2, "Conv_1": decay}
    seen = set()
    for path, plain in moves[0].items():
        block = next((name for name in shares if path.startswith(name)), "head")
        share = shares.get(block, 1.0)
        scale = np.abs(plain).max()
        assert np.allclose(moves[1][path], share * plain, atol=1e-3 * scale + 1e-7), (
            path
        )
        seen.add(block if scale > 1e-4 else None)
    assert {*shares, "head"} <= seen


def variables():
    """Return two variables, a gradient for each, and shares of the rate for them."""
    random = np.random.default_rng(0)
    found = [
        keras.Variable(random.normal(size=shape).astype(np.float32), name=name)
        for name, shape in (("kernel", (4, 3)), ("other", (3, 2)))
    ]
    grads = [random.normal(size=each.shape).astype(np.float32) for each in found]
    return found, grads


def stepped(optimizer, found, grads, steps=3):
    """Take some steps; return where the variables are then."""
    for _ in range(steps):
        optimizer.apply([keras.ops.convert_to_tensor(each) for each in grads], found)
    return [np.array(each) for each in found]


KINDS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "lion", "muon")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_a_share_of_the_rate_is_the_same_optimizer_at_that_rate(kind, schedule):
    """For any optimizer, with weight decay and a schedule, each variable for itself."""
    settings = {"optimizer": kind, "weight_decay": 0.1, "schedule": schedule}
    settings |= {"weight_averaging": 0.9}
    found, grads = variables()
    shares = {id(found[1]): 0.25}
    mixed = optimizer_of(Phase(**settings, learning_rate=0.02), 10, shares=shares)
    ours = stepped(mixed, found, grads)
    for place, rate in enumerate((0.02, 0.005)):
        found, grads = variables()
        plain = optimizer_of(Phase(**settings, learning_rate=rate), 10)
        theirs = stepped(plain, found, grads)
        assert np.allclose(ours[place], theirs[place], rtol=1e-5, atol=1e-7)
        assert not np.allclose(ours[1 - place], theirs[1 - place], rtol=1e-4)


def test_clipping_sees_the_whole_gradient_and_comes_before_the_shares():
    """A step is rate times share times the gradient over its norm, and averaged."""
    phase = Phase(
        optimizer="sgd",
        learning_rate=0.5,
        schedule="constant",
        clip_norm=1.0,
        weight_averaging=0.5,
    )
    found, grads = variables()
    before = [np.array(each) for each in found]
    optimizer = optimizer_of(phase, 1, shares={id(found[1]): 0.1})
    stepped(optimizer, found, grads, steps=2)
    norm = np.sqrt(sum(np.sum(each**2) for each in grads))
    assert norm > 1
    for place, share in enumerate((1.0, 0.1)):
        step = 0.5 * share * grads[place] / norm
        assert np.allclose(found[place], before[place] - 2 * step, atol=1e-6)
    optimizer.finalize_variable_values(found)
    for place, share in enumerate((1.0, 0.1)):
        step = 0.5 * share * grads[place] / norm
        assert np.allclose(found[place], before[place] - 1.5 * step, atol=1e-6)


def test_the_rate_of_a_scaled_optimizer_can_be_set():
    """What lowers a rate on a plateau reads and sets the rate of the head."""
    optimizer = scaled(keras.optimizers.SGD(0.5), {})
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = 0.25
    found, grads = variables()
    before = np.array(found[0])
    stepped(optimizer, found, grads, steps=1)
    assert np.allclose(found[0], before - 0.25 * grads[0], atol=1e-7)


def test_all_options_together_train_and_are_recorded(data, backbone):
    """Averages, falling rates, clipping and smoothing in one phase that learns."""
    phase = Phase(
        epochs=8,
        learning_rate=0.05,
        batch_size=16,
        unfreeze="all",
        batch_norm="tuned",
        weight_averaging=0.8,
        rate_decay=0.5,
        clip_norm=1.0,
        label_smoothing=0.1,
        weight_decay=0.01,
    )
    result = fit(data, backbone, phase)
    assert result.history["val_accuracy"][-1] > 0.6
    (settings,) = json.loads(json.dumps(result.provenance["phases"]))
    assert settings["weight_averaging"] == 0.8
    assert settings["rate_decay"] == 0.5
    assert Phase(**settings | {"metrics": ()}) == phase


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_label_smoothing_takes_integer_labels(data, backbone, smoothing):
    """The loss of whole labels is the cross-entropy with smoothed targets."""
    phase = Phase(
        optimizer="sgd",
        learning_rate=1e-9,
        schedule="constant",
        label_smoothing=smoothing,
    )
    pair = (data.train.images, data.train.labels.astype(np.int32))
    result = fit(pair, backbone, phase)
    given = result.model.predict(data.train.images, verbose=0)
    targets = np.eye(4)[data.train.labels] * (1 - smoothing) + smoothing / 4
    wanted = -np.sum(targets * np.log(given), axis=1).mean()
    assert result.history["loss"][0] == pytest.approx(wanted, rel=1e-4)


def test_a_smoothed_phase_is_validated_without_smoothing(data, backbone):
    """Else a callback that keeps the best over both phases would keep a worse one."""
    phase = Phase(label_smoothing=0.5)
    result = fit(data, backbone, phase)
    given = result.model.predict(data.validation.images, verbose=0)
    found = given[np.arange(len(given)), data.validation.labels]
    wanted = -np.log(found).mean()
    assert result.history["val_loss"][-1] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"weight_averaging": 0.0}, "weight_averaging"),
        ({"weight_averaging": 1.0}, "weight_averaging"),
        ({"weight_averaging": True}, "weight_averaging"),
        ({"rate_decay": 0.0, "unfreeze": 1}, "rate_decay to be a number above 0"),
        ({"rate_decay": 1.1, "unfreeze": 1}, "rate_decay to be a number above 0"),
        ({"rate_decay": 0.5}, "unfreeze= beside rate_decay"),
        ({"optimizer": "LBFGS", "epochs": 2}, "beside optimizer='lbfgs'"),
    ],
)
def test_a_wrong_option_is_refused_at_once(change, text):
    """Each is checked where it is given."""
    with pytest.raises(InvalidArgument, match=text):
        Phase(**change)


@example(steps=2, warmup=0.75, peak=1.0)
@given(st.integers(2, 500), st.floats(0.0, 0.9), st.floats(1e-5, 1.0))
def test_a_linear_rate_goes_up_and_down_in_straight_lines(steps, warmup, peak):
    """It begins and ends at 1 % of the peak, reaches it, and has one corner."""
    phase = Phase(schedule="linear", warmup=warmup, learning_rate=peak)
    schedule = schedule_of(phase, steps)
    warm = min(round(warmup * steps), steps - 1)
    rates = np.array([float(schedule(step)) for step in range(steps + 1)])
    assert rates[warm] == pytest.approx(peak, rel=1e-4)
    assert rates[-1] == pytest.approx(0.01 * peak, rel=1e-3)
    assert rates[0] == pytest.approx(0.01 * peak if warm else peak, rel=1e-3)
    bends = np.abs(np.diff(rates, 2)) > 1e-4 * peak
    assert set(np.flatnonzero(bends)) <= {warm - 1}
    again = type(schedule).from_config(schedule.get_config())
    assert float(again(steps // 2)) == float(schedule(steps // 2))
