"""Trainings that are stopped and go on: to the bit as if they had not been."""

import csv
import os
import shutil
import signal
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifarkit import (
    Phase,
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    heads,
    tracking,
)
from cifarkit._checkpoints import Checkpoints
from cifarkit._errors import (
    InvalidArgument,
    NotFinite,
    OutOfMemory,
    TrainingError,
    WriteError,
)
from cifarkit.training import _keeping
from cifarkit.training._identity import _unnumbered
from cifarkit.training._run import origins_of
from cifarkit.training._snapshot import seeds_of

pytestmark = pytest.mark.filterwarnings("ignore:Even though:UserWarning")  # of tf.data

DATA = datasets.synthetic(120, size=16)
REAL = _keeping.SECONDS, _keeping.SHARE  # before `often` changes them
FIRST = Phase(
    epochs=2, learning_rate=1e-2, schedule="plateau", patience=2, batch_size=16
)
LAST = -(-len(DATA.train) // FIRST.batch_size) - 1  # step of an epoch
SECOND = Phase(
    epochs=2,
    learning_rate=1e-2,
    unfreeze="all",
    batch_norm="tuned",
    batch_size=16,
    weight_averaging=0.9,
)


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """Run steps as Python: these trainings are stopped long before compiling pays."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def compiled():
    """Compile steps after all."""
    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Keep the state after every step."""
    monkeypatch.setattr(_keeping, "SECONDS", 0.0)
    monkeypatch.setattr(_keeping, "SHARE", float("inf"))


def network():
    """Return a small network with batch norm and fixed weights."""
    image = keras.Input((16, 16, 3))
    values = keras.layers.Conv2D(4, 3, 4, name="conv")(image)
    values = keras.layers.BatchNormalization(name="norm")(values)
    model = keras.Model(image, values, name="small")
    model.get_layer("conv").set_weights(
        [np.random.default_rng(0).normal(0, 0.1, (3, 3, 3, 4)), np.zeros(4)]
    )
    return model


def trainer(**changes):
    """Return a trainer with dropout, augmentation, averages, plateau and patience."""
    settings = {
        "phase_1": FIRST,
        "phase_2": SECOND,
        "augment": [augment.flip(), augment.crop(2)],
        "verbose": 0,
        **changes,
    }
    backbone = backbones.wrap(network(), preprocess="unit")
    head = settings.pop("head", heads.classifier(hidden=(8,), dropout=0.3))
    return TwoPhaseTrainer(backbone, head, **settings)


class Stop(keras.callbacks.Callback):
    """Breaks the training off after some new steps, or does something else then."""

    def __init__(self, after, act=None):
        super().__init__()
        self.left, self.act = after, act or self.raises

    def raises(self):
        """Break off as Ctrl-C does where nothing holds it back."""
        raise KeyboardInterrupt

    def on_train_batch_begin(self, batch, logs=None):
        """Count the steps: those that were done before are not seen."""
        self.left -= 1
        if self.left == 0:
            self.act()


def same(one, other):
    """Whether two results have equal weights and histories in all phases."""
    return all(
        a.history == b.history
        and a.kept_epoch == b.kept_epoch
        and all(map(np.array_equal, a.weights, b.weights))
        for a, b in zip(one.phases, other.phases, strict=True)
    )


@pytest.fixture(scope="module")
def whole():
    """A training that nobody stopped."""
    return trainer().fit(DATA)


def stopped_every(steps, folder):
    """Return the end of a training that was stopped every few steps."""
    stops = 0
    while True:
        try:
            ended = trainer().fit(DATA, run_dir=folder, callbacks=[Stop(steps + 1)])
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops == (20 - 1) // steps
    return ended


def test_a_stopped_training_ends_as_if_it_had_not_been(whole, tmp_path):
    """Broken off every other step, in both phases, within and between epochs."""
    ended = stopped_every(2, tmp_path)
    assert same(ended, whole)
    assert all(
        map(np.array_equal, ended.model.get_weights(), whole.model.get_weights())
    )


@pytest.mark.usefixtures("compiled")
def test_so_does_one_whose_steps_are_compiled(tmp_path):
    """As outside of tests: within an epoch, and at the ends of epochs and phases."""
    whole = trainer().fit(DATA)
    for steps in (7, 5):
        assert same(stopped_every(steps, tmp_path / str(steps)), whole)


def test_averages_are_shown_and_taken_back_across_a_stop(whole, tmp_path):
    """The state of an epoch's end has both the averaged and the own weights."""
    with pytest.raises(KeyboardInterrupt):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Stop(16)])
    assert Checkpoints(tmp_path / "phase_2").newest().record["epoch"] == 1
    assert same(trainer().fit(DATA, run_dir=tmp_path), whole)


def test_a_plateau_is_not_forgotten(tmp_path):
    """Its epochs without progress count on, so that the rate falls when it would."""
    phase = Phase(epochs=5, learning_rate=1e-6, optimizer="sgd", schedule="plateau")
    settings = {"phase_1": phase, "phase_2": None}
    whole = trainer(**settings).fit(DATA)
    rates = whole.history["learning_rate"]
    assert rates[0] == rates[2]
    assert rates[3] == pytest.approx(rates[0] / 10)
    with pytest.raises(KeyboardInterrupt):  # two steps in an epoch
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[Stop(5)])
    assert same(trainer(**settings).fit(DATA, run_dir=tmp_path), whole)


def test_what_callbacks_do_at_an_epochs_begin_is_done_once(tmp_path):
    """A rate that is halved there is not halved twice in one epoch."""

    def halving():
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)

    phase = Phase(epochs=3, learning_rate=1e-2, schedule="constant", batch_size=16)
    settings = {"phase_1": phase, "phase_2": None}
    whole = trainer(**settings).fit(DATA, callbacks=[halving()])
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[halving(), Stop(8)])
    rest = trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[halving()])
    assert same(rest, whole)


def test_a_finished_run_gives_its_result_again(whole, tmp_path):
    """At once, without a step."""
    trainer().fit(DATA, run_dir=tmp_path)
    again = trainer().fit(DATA, run_dir=tmp_path, callbacks=[Stop(1)])
    assert same(again, whole)
    assert again.kept == whole.kept


@pytest.mark.parametrize("lost", ["last", "all of phase 2", "all of phase 1"])
def test_damage_costs_time_and_nothing_else(lost, whole, tmp_path):
    """The state before is taken, or the phase begins anew."""
    with pytest.raises(KeyboardInterrupt):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Stop(17)])
    folder = tmp_path / ("phase_1" if lost.endswith("1") else "phase_2")
    files = sorted(folder.glob("*.npz"))
    for path in files[-1:] if lost == "last" else files:
        path.write_bytes(path.read_bytes()[:-9])
    assert same(trainer().fit(DATA, run_dir=tmp_path), whole)


def test_early_stopping_is_not_forgotten(tmp_path):
    """A phase that had stopped early does not go on."""
    phase = Phase(epochs=9, learning_rate=10.0, optimizer="sgd", patience=1)
    settings = {"phase_1": phase, "phase_2": None}
    whole = trainer(**settings).fit(DATA)
    epochs = len(whole.phases[0].history["loss"])
    assert epochs < 9
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[AtEnd()])
    assert same(trainer(**settings).fit(DATA, run_dir=tmp_path), whole)


class AtEnd(keras.callbacks.Callback):
    """Breaks the training off when it has ended, before that is kept."""

    def on_train_end(self, logs=None):
        """Break off."""
        raise KeyboardInterrupt


def test_what_a_callback_of_the_users_remembers_is_kept(tmp_path):
    """It says by which names."""

    class Counting(keras.callbacks.Callback):
        remembered = ("steps",)

        def __init__(self):
            super().__init__()
            self.steps = 0

        def on_train_batch_end(self, batch, logs=None):
            assert "loss" in logs
            self.steps += 1

    settings = {"phase_1": FIRST, "phase_2": None}
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[Counting(), Stop(7)])
    counting = Counting()
    trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[counting, Stop(99)])
    assert counting.steps == 10


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished training."""
    folder = tmp_path_factory.mktemp("finished")
    trainer().fit(DATA, run_dir=folder)
    return folder


CHANGES = {
    "seed": {"seed": 1},
    "phases 1.epochs": {"phase_1": Phase(epochs=3, batch_size=16)},
    "phases 2.learning_rate": {"phase_2": Phase(unfreeze="all", learning_rate=1e-4)},
    "head": {"head": heads.linear()},
    "augmentation": {"augment": augment.flip()},
    "cache": {"cache": "never"},
    "augmentation:.*constant": {
        "augment": [augment.flip(), augment.crop(2, fill="constant")]
    },
    "deterministic": {"deterministic": True},
    "phases 2.unfreeze: 'all' there, '1 layers' here": {
        "phase_2": replace(SECOND, unfreeze=1)
    },
}


@pytest.mark.parametrize("field", CHANGES)
def test_another_training_is_refused_and_the_field_named(
    field, finished, tmp_path, monkeypatch
):
    """And what is there stays as it is."""
    monkeypatch.setattr(
        "tensorflow.config.experimental.enable_op_determinism", lambda: None
    )
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidArgument, match=f"received another: .*{field}"):
        trainer(**CHANGES[field]).fit(DATA, run_dir=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("part", ["training", "validation"])
def test_other_images_are_refused(part, tmp_path):
    """One pixel of either split."""
    train, validation = (
        (split.images.copy(), split.labels) for split in (DATA.train, DATA.validation)
    )
    settings = {"phase_1": Phase(batch_size=16), "phase_2": None}
    trainer(**settings).fit(train, validation=validation, run_dir=tmp_path)
    {"training": train, "validation": validation}[part][0][0, 0, 0, 0] ^= 1
    with pytest.raises(InvalidArgument, match=f"{part} images.digest"):
        trainer(**settings).fit(train, validation=validation, run_dir=tmp_path)


def test_one_layer_is_not_the_whole_backbone(tmp_path):
    """`unfreeze=1` is a layer, `1.0` are all of them, though 1 == 1.0."""
    settings = {"phase_1": Phase(batch_size=16)}
    one, whole = (Phase(batch_size=16, unfreeze=each) for each in (1, 1.0))
    trainer(**settings, phase_2=one).fit(DATA, run_dir=tmp_path)
    with pytest.raises(InvalidArgument, match=r"'1 layers' there, '1\.0 of the"):
        trainer(**settings, phase_2=whole).fit(DATA, run_dir=tmp_path)


def test_other_weights_are_refused(tmp_path):
    """One bit of one weight of the backbone."""
    settings = {"phase_1": Phase(batch_size=16), "phase_2": None, "verbose": 0}
    models = network(), network()
    kernel = models[1].get_layer("conv").kernel
    kernel.assign(np.nextafter(kernel.numpy(), 9))
    one, other = (
        TwoPhaseTrainer(
            backbones.wrap(each, preprocess="unit"), heads.linear(), **settings
        )
        for each in models
    )
    one.fit(DATA, run_dir=tmp_path)
    with pytest.raises(InvalidArgument, match=r"backbone\.weights"):
        other.fit(DATA, run_dir=tmp_path)


def test_a_network_from_scratch_goes_on_from_what_was_kept(tmp_path):
    """Its own first weights are random, and do not count."""

    def fit(*callbacks):
        image = keras.Input((16, 16, 3))
        values = keras.layers.Flatten()(image)
        values = keras.layers.Dense(10, activation="softmax")(values)
        model = keras.Model(image, values)
        phase = Phase(epochs=2, batch_size=16)
        once = TwoPhaseTrainer(model, phase_1=phase, verbose=0)
        return once.fit(DATA, run_dir=tmp_path, callbacks=callbacks)

    with pytest.raises(KeyboardInterrupt):
        fit(Stop(4))
    kept = Checkpoints(tmp_path / "phase_1").newest()
    assert kept.record["step"] == 3
    ended = fit()
    assert len(ended.history["loss"]) == 2


def test_activations_of_another_engine_are_refused(tmp_path, monkeypatch):
    """What is learnt from would be a little other than it was."""
    settings = {"phase_1": FIRST, "phase_2": None, "augment": augment.flip()}
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[Stop(3)])
    monkeypatch.setattr(
        "cifarkit.training._ahead.Ahead.stage", lambda self, index: self.live
    )
    with pytest.raises(InvalidArgument, match="received 'live'"):
        trainer(**settings).fit(DATA, run_dir=tmp_path)


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    """The second one is told."""

    def second():
        trainer().fit(DATA, run_dir=tmp_path)

    with pytest.raises(TrainingError, match="no other process"):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Stop(2, second)])


@pytest.mark.parametrize("given", [7, "", b"x"])
def test_what_is_no_folder_is_refused(given):
    """Before anything is trained."""
    with pytest.raises(InvalidArgument, match="run_dir"):
        trainer().fit(DATA, run_dir=given)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    """It is not touched."""
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(InvalidArgument, match="is a file"):
        trainer().fit(DATA, run_dir=path)
    assert path.read_text() == "mine"


def test_a_full_disk_stops_the_training_and_leaves_the_state_before(
    whole, tmp_path, monkeypatch
):
    """And with room again it goes on."""
    write, calls = _keeping.Checkpoints.save, []

    def save(self, arrays, record):
        calls.append(record)
        if len(calls) == 6:
            raise WriteError("no room")
        return write(self, arrays, record)

    monkeypatch.setattr(Checkpoints, "save", save)
    with pytest.raises(WriteError, match="no room"):
        trainer().fit(DATA, run_dir=tmp_path)
    assert Checkpoints(tmp_path / "phase_1").newest().number == 5
    assert same(trainer().fit(DATA, run_dir=tmp_path), whole)


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_acted_on_after_the_state_is_kept(signal_, whole, tmp_path):
    """What the process does on a signal is what it did before."""
    acted, before = [], signal.getsignal(signal_)

    def handler(number, frame):
        acted.append(number)
        raise SystemExit(3)

    signal.signal(signal_, handler)
    try:
        stop = Stop(4, lambda: os.kill(os.getpid(), signal_))
        with pytest.raises(SystemExit):
            trainer().fit(DATA, run_dir=tmp_path, callbacks=[stop])
        assert signal.getsignal(signal_) is handler
    finally:
        signal.signal(signal_, before)
    assert acted == [signal_]
    assert Checkpoints(tmp_path / "phase_1").newest().record["step"] == 4
    assert same(trainer().fit(DATA, run_dir=tmp_path), whole)


def test_signals_are_left_alone_after_a_training(tmp_path):
    """Those of the process are back."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    trainer().fit(DATA, run_dir=tmp_path)
    after = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert after == before


class Poison(keras.callbacks.Callback):
    """Makes a weight infinite before a step of an epoch."""

    def __init__(self, epoch, step):
        super().__init__()
        self.epoch, self.step, self.now = epoch, step, 0

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Harm the weights."""
        if (self.now, batch) == (self.epoch, self.step):
            weight = self.model.trainable_variables[-1]
            weight.assign(np.full(weight.shape, np.nan))


@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (1, 3)])
def test_a_loss_that_is_no_number_stops_in_its_step(epoch, step, tmp_path):
    """The error names the place and has the last good weights; so has the folder."""
    with pytest.raises(
        NotFinite, match=rf"phase 1 reached nan in epoch {epoch + 1}, step {step + 1}\."
    ) as caught:
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Poison(epoch, step)])
    assert all(np.isfinite(each).all() for each in caught.value.model.get_weights())
    kept = Checkpoints(tmp_path / "phase_1").newest()
    assert kept is None or all(np.isfinite(each).all() for each in kept.arrays.values())


@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (0, 1), (1, 3), (1, LAST)])
def test_a_loss_that_nothing_waits_for_stops_a_step_later(epoch, step):
    """Without a folder, the error names the step all the same; none is validated."""
    validated = []

    class Noting(Poison):
        def on_test_begin(self, logs=None):
            validated.append(self.now)

    with pytest.raises(
        NotFinite, match=rf"epoch {epoch + 1}, step {step + 1}\."
    ) as caught:
        trainer().fit(DATA, callbacks=[Noting(epoch, step)])
    assert all(np.isfinite(each).all() for each in caught.value.model.get_weights())
    assert validated == list(range(epoch))


def test_nothing_is_made_of_a_loss_that_is_no_number(tmp_path):
    """What a callback saves in the middle of an epoch is from before it."""
    path = tmp_path / "model.weights.h5"
    saving = keras.callbacks.ModelCheckpoint(path, save_freq=1, save_weights_only=True)
    with pytest.raises(NotFinite) as caught:
        trainer().fit(DATA, callbacks=[Poison(0, 3), saving])
    caught.value.model.load_weights(path)
    assert all(np.isfinite(each).all() for each in caught.value.model.get_weights())


def test_the_last_good_weights_are_those_that_learn():
    """Not their averages, which stay there from an epoch's validation on."""
    begun = []

    class Noting(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            begun.append([each.copy() for each in self.model.get_weights()])

    settings = {"phase_1": replace(FIRST, weight_averaging=0.9), "phase_2": None}
    with pytest.raises(NotFinite) as caught:
        trainer(**settings).fit(DATA, callbacks=[Noting(), Poison(1, 3)])
    found = caught.value.model.get_weights()
    assert all(map(np.array_equal, found, begun[1]))


def test_a_state_that_is_no_number_is_not_kept(tmp_path, caplog):
    """Between the step that spoils a weight and the one whose loss tells."""

    class Spoil(Poison):
        def on_train_batch_end(self, batch, logs=None):
            Poison.on_train_batch_begin(self, batch)

        def on_train_batch_begin(self, batch, logs=None):
            pass

    with pytest.raises(NotFinite, match="step 4"):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Spoil(0, 2)])
    assert Checkpoints(tmp_path / "phase_1").newest().record["step"] == 2
    assert "no finite number" in caplog.text


def test_memories_that_cannot_be_kept_are_refused_at_once(tmp_path):
    """Not half a minute into the training."""

    class Odd(keras.callbacks.Callback):
        remembered = ("where",)
        where = tmp_path

    with pytest.raises(InvalidArgument, match=r"Odd\.where to be a number"):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Odd()])


@pytest.mark.parametrize("given", ["steps", ("stpes",), (1,), None])
def test_what_is_remembered_must_be_there(given, tmp_path):
    """A missing comma or a typing mistake would keep nothing, and not say so."""

    class Counting(keras.callbacks.Callback):
        remembered = given
        steps = 0

    with pytest.raises(InvalidArgument, match=r"Counting\.remembered to name"):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Counting()])


def test_a_memory_that_changes_its_kind_is_refused_by_name(tmp_path):
    """Not by what JSON says of it."""

    class Last(keras.callbacks.Callback):
        remembered = ("image",)
        image = None

        def on_train_batch_end(self, batch, logs=None):
            self.image = DATA.train.images[0]

    with pytest.raises(InvalidArgument, match=r"Last\.image to be a number"):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Last()])


def test_the_backup_of_keras_is_refused_beside_ours(tmp_path):
    """It would go on from another epoch."""
    backup = keras.callbacks.BackupAndRestore(tmp_path / "theirs")
    with pytest.raises(InvalidArgument, match="BackupAndRestore"):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[backup])


def test_a_signal_behind_the_last_step_is_not_lost(tmp_path):
    """It is acted on when the training has ended."""
    acted, before = [], signal.getsignal(signal.SIGTERM)

    class Late(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda number, frame: acted.append(number))
    try:
        phase = {"phase_1": FIRST, "phase_2": None}
        trainer(**phase).fit(DATA, run_dir=tmp_path, callbacks=[Late()])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert acted == [signal.SIGTERM]


@pytest.mark.parametrize("unfreeze", ["all", "norm"])
def test_a_run_goes_on_as_it_was_begun_whatever_there_is_room_for(
    unfreeze, tmp_path, monkeypatch
):
    """What one process keeps, the next one keeps too, and computes in the same way."""
    phase_2 = replace(SECOND, unfreeze=unfreeze, weight_averaging=None)
    settings = {"augment": augment.flip(), "phase_2": phase_2}
    whole = trainer(**settings).fit(DATA)
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[Stop(4)])
    monkeypatch.setattr(
        "cifarkit.training._budget.Budget.fits", lambda self, *places: False
    )
    assert same(trainer(**settings).fit(DATA, run_dir=tmp_path), whole)


def test_an_augmentation_of_ones_own_is_the_same_in_every_process(tmp_path):
    """Its address in memory does not count."""

    class Mine(augment.Augmentation):
        __repr__ = object.__repr__
        draws = 1

        def __call__(self, images, targets, noise):
            return images, targets

    settings = {"phase_1": FIRST, "phase_2": None}
    one, other = (trainer(augment=[Mine()], **settings) for _ in range(2))
    one.fit(DATA, run_dir=tmp_path)
    assert other.fit(DATA, run_dir=tmp_path).kept == 1


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3)),
        lambda: keras.layers.RandomCrop(8, 8),
    ],
)
def test_what_keras_draws_and_counts_by_itself_is_the_same(tmp_path, layer):
    """A layer inside of another bears a number, a crop a seed of its own."""

    def made():
        shape = DATA.train.images.shape[1:]
        top = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10, "softmax")]
        network = keras.Sequential([keras.Input(shape), layer(), *top])
        phase = Phase(batch_size=16)
        return TwoPhaseTrainer(network, phase_1=phase, phase_2=None, verbose=0)

    first, again = (made().fit(DATA, run_dir=tmp_path) for _ in range(2))
    assert same(first, again)


def test_names_that_keras_numbers_count_for_nothing_within_lists():
    """They count layers of a process, wherever in the settings they stand."""
    told = [{"layers": [{"name": f"dense_{number}"}]} for number in (3, 7)]
    assert (
        _unnumbered(told[0]) == _unnumbered(told[1]) == {"layers": [{"name": "dense"}]}
    )


def test_metrics_that_keras_numbers_are_the_same(tmp_path):
    """A second AUC of one process is called otherwise."""

    def phase():
        return {
            "phase_1": Phase(batch_size=16, metrics=(keras.metrics.AUC(),)),
            "phase_2": None,
        }

    trainer(**phase()).fit(DATA, run_dir=tmp_path)
    assert trainer(**phase()).fit(DATA, run_dir=tmp_path).kept == 1


@pytest.mark.parametrize("error", [MemoryError(), "RESOURCE_EXHAUSTED: OOM when ..."])
def test_want_of_memory_says_what_would_help(error):
    """Whatever the backend calls it."""

    def act():
        raise error if isinstance(error, Exception) else RuntimeError(error)

    with pytest.raises(OutOfMemory, match=r"16 images.*smaller batch_size in phase_1"):
        trainer().fit(DATA, callbacks=[Stop(2, act)])


def test_want_of_memory_names_the_batch_of_a_data_set():
    """Its size is not that of the phase."""

    def act():
        raise MemoryError

    pairs = tf.data.Dataset.from_tensor_slices((DATA.train.images, DATA.train.labels))
    with pytest.raises(OutOfMemory, match="smaller batch in the data set"):
        trainer(phase_1=replace(FIRST, schedule="cosine", patience=None)).fit(
            pairs.batch(20), callbacks=[Stop(2, act)]
        )


def test_want_of_memory_at_an_optimum_advises_what_may_be_set(monkeypatch):
    """A phase without steps takes neither a batch size nor layers."""

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("cifarkit.training._running.fit_head", full)
    settings = {"phase_1": Phase(optimizer="lbfgs"), "phase_2": None, "augment": ()}
    with pytest.raises(OutOfMemory, match=r"optimum of the head.*'adamw'"):
        trainer(**settings, head=heads.linear()).fit(DATA)


def test_other_errors_stay_what_they_are():
    """Not all that goes wrong is a want of memory."""

    def act():
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match=r"^something else$"):
        trainer().fit(DATA, callbacks=[Stop(2, act)])


def test_states_are_kept_no_more_often_than_they_may_cost(tmp_path, monkeypatch):
    """At most a fiftieth of the time, and not before half a minute."""
    monkeypatch.setattr(_keeping, "SECONDS", 30.0)
    monkeypatch.setattr(_keeping, "SHARE", 0.02)
    trainer().fit(DATA, run_dir=tmp_path)
    states = Checkpoints(tmp_path / "phase_1")
    assert states._numbers("manifest") == [1]
    assert states.newest().record["done"]


def test_other_callbacks_may_watch_the_rest(whole, tmp_path):
    """Those of ours find their memory all the same."""
    with pytest.raises(KeyboardInterrupt):
        trainer().fit(DATA, run_dir=tmp_path, callbacks=[Stop(8)])
    stopping = keras.callbacks.EarlyStopping(patience=99)
    rest = trainer().fit(DATA, run_dir=tmp_path, callbacks=[stopping, Stop(99)])
    assert same(rest, whole)


def test_a_data_set_of_tensorflow_goes_on_too(tmp_path):
    """It gives the same batches in each epoch; the noise is ours."""
    import tensorflow as tf

    def sets():
        return [
            tf.data.Dataset.from_tensor_slices((each.images, each.labels)).batch(16)
            for each in (DATA.train, DATA.validation)
        ]

    def fit(*callbacks, **options):
        train, validation = sets()
        return trainer().fit(
            train, validation=validation, callbacks=callbacks, **options
        )

    whole = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(Stop(8), run_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(Stop(9), run_dir=tmp_path)
    assert same(fit(run_dir=tmp_path), whole)


@pytest.mark.parametrize("steps", [5, 12])
def test_a_table_of_epochs_is_whole_after_stops(steps, whole, tmp_path):
    """A tracker notes again what earlier processes did, of finished phases too."""
    for name in ("epochs.csv", "again.csv"):  # stopped; and when nothing is left to do
        while True:
            watching = [tracking.csv(tmp_path / name), Stop(steps + 1)]
            try:
                trainer().fit(DATA, run_dir=tmp_path / "run", callbacks=watching)
                break
            except KeyboardInterrupt:
                continue
        with (tmp_path / name).open() as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
        assert [float(row["phase"]) for row in rows] == [1, 1, 2, 2]
        losses = [float(row["loss"]) for row in rows]
        assert losses == whole.history["loss"]


BY_WAY = ["head/pool", "conv"]


def test_the_last_phase_says_what_the_phases_learnt_from():
    """Where it could not keep what was planned before, it went on live."""
    states = [
        SimpleNamespace(record={"origins": origins})
        for origins in ([BY_WAY, ["conv", None]], [BY_WAY, ["live", None]])
    ]
    assert origins_of(states) == [BY_WAY, ["live", None]]
    assert origins_of([states[0], None]) == [BY_WAY, ["conv", None]]
    assert origins_of([None, None]) is None


ONE = {
    "phase_1": Phase(
        epochs=6,
        batch_size=16,
        optimizer="sgd",
        schedule="constant",
        learning_rate=1e-6,
    ),
    "phase_2": None,
}


class Worse(keras.callbacks.Callback):
    """Logs a score that falls from epoch to epoch."""

    def on_epoch_end(self, epoch, logs=None):
        """Log it, before the callbacks behind this one look."""
        logs["score"] = -float(epoch)


def test_a_better_file_is_not_overwritten_after_a_stop(tmp_path):
    """A checkpoint callback goes on knowing its best."""
    path = tmp_path / "best.keras"

    def watching(*more):
        best = {"monitor": "score", "mode": "max", "save_best_only": True}
        return [Worse(), keras.callbacks.ModelCheckpoint(path, **best), *more]

    with pytest.raises(KeyboardInterrupt):
        trainer(**ONE).fit(DATA, run_dir=tmp_path / "run", callbacks=watching(Stop(15)))
    before = path.read_bytes()
    trainer(**ONE).fit(DATA, run_dir=tmp_path / "run", callbacks=watching())
    assert path.read_bytes() == before


def test_memories_outlive_the_end_of_a_phase(tmp_path):
    """Stopped before the next phase has kept anything; and after the end of all."""

    class Counting(keras.callbacks.Callback):
        remembered = ("steps",)
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1

    class Leaving(keras.callbacks.Callback):
        def on_phase_begin(self, number, history):
            if number == 2:
                raise KeyboardInterrupt

    def run(*more):
        best = {"monitor": "score", "mode": "max", "save_best_only": True}
        watching = [Worse(), keras.callbacks.ModelCheckpoint(path, **best), Counting()]
        trainer().fit(DATA, run_dir=tmp_path / "run", callbacks=[*watching, *more])
        return watching[1].best, watching[2].steps

    path = tmp_path / "best.keras"
    with pytest.raises(KeyboardInterrupt):
        run(Leaving())
    before = path.read_bytes()
    steps = 4 * -(-len(DATA.train) // 16)
    assert run() == (0.0, steps)
    assert path.read_bytes() == before
    assert run() == (0.0, steps)


def test_seeds_of_a_part_that_runs_ahead_are_kept(tmp_path):
    """Dropout that has no seed draws one in each process; phase 2 goes on with it."""

    def seeded(act=None):
        image = keras.Input((16, 16, 3))
        values = keras.layers.Conv2D(4, 3, 4, kernel_initializer="ones")(image)
        body = keras.Model(image, keras.layers.Dropout(0.5, name="drop")(values))
        seeds = []

        class Looking(keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                seeds.extend(np.array(each) for each in seeds_of(self.model.network))

        trained = TwoPhaseTrainer(
            backbones.wrap(body, preprocess="unit"),
            heads.linear(),
            phase_1=replace(FIRST, schedule="constant", patience=None),
            phase_2=replace(SECOND, weight_averaging=None),
            augment=(),
            verbose=0,
        )
        watching = [Looking(), Stop(4)] if act else [Looking()]
        with pytest.raises(KeyboardInterrupt) if act else nullcontext():
            trained.fit(DATA, run_dir=tmp_path, callbacks=watching)
        return seeds

    (first,), (_, again) = seeded(act=True), seeded()
    assert np.array_equal(first, again)


def test_the_patience_of_early_stopping_goes_on(tmp_path):
    """Epochs without progress count on after a stop."""

    def stopping():
        return keras.callbacks.EarlyStopping(min_delta=1.0, patience=2, mode="min")

    whole = trainer(**ONE).fit(DATA, callbacks=[stopping()])
    steps = -(-len(DATA.train) // 16)
    assert len(whole.history["loss"]) == 3
    with pytest.raises(KeyboardInterrupt):  # in the third epoch, one was in vain
        trainer(**ONE).fit(
            DATA, run_dir=tmp_path, callbacks=[stopping(), Stop(2 * steps + 2)]
        )
    assert same(
        trainer(**ONE).fit(DATA, run_dir=tmp_path, callbacks=[stopping()]), whole
    )


def test_two_callbacks_of_a_kind_keep_their_own_memories(tmp_path):
    """The first gets what the first remembered."""

    class Counting(keras.callbacks.Callback):
        remembered = ("steps",)

        def __init__(self, steps=0):
            super().__init__()
            self.steps = steps

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1

    settings = {"phase_1": FIRST, "phase_2": None}
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(
            DATA, run_dir=tmp_path, callbacks=[Counting(), Counting(100), Stop(7)]
        )
    pair = [Counting(), Counting()]
    trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=pair)
    steps = 2 * -(-len(DATA.train) // 16)
    assert [each.steps for each in pair] == [steps, 100 + steps]


def test_a_slow_disk_takes_a_fiftieth_of_the_time(monkeypatch):
    """Saves of five seconds lie 250 seconds apart, with the constants as they are."""
    now, saves = [0.0], []
    clock = SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: now[0])
    monkeypatch.setattr(_keeping, "time", clock)
    monkeypatch.setattr(_keeping, "SECONDS", REAL[0])
    monkeypatch.setattr(_keeping, "SHARE", REAL[1])
    monkeypatch.setattr(_keeping._snapshot, "taken", lambda *_: {})
    monkeypatch.setattr(_keeping._snapshot, "is_finite", lambda *_: True)

    class Slow:
        def save(self, arrays, record):
            saves.append(now[0])
            now[0] += 5.0

    keeper = _keeping.Keeper(
        SimpleNamespace(skipped=0, stop_training=False),
        [],
        10**6,
        keeping=_keeping.Keeping(Slow(), {}, None),
        held=_keeping.Held(),
    )
    for batch in range(600):
        now[0] += 1.0
        keeper.on_train_batch_end(batch)
    assert saves == [30.0, 285.0, 540.0]


def test_the_time_of_earlier_processes_counts(tmp_path):
    """The seconds of a phase are those of all processes that worked on it."""
    settings = {"phase_1": FIRST, "phase_2": None}
    states = Checkpoints(tmp_path / "phase_1")
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[Stop(4)])
    kept = states.newest()
    earlier = {"seconds": 1000.0, "features": 2000.0}
    states.save(kept.arrays, {**kept.record, **earlier})
    with pytest.raises(KeyboardInterrupt):
        trainer(**settings).fit(DATA, run_dir=tmp_path, callbacks=[Stop(3)])
    assert states.newest().record["seconds"] > 1000
    (phase,) = trainer(**settings).fit(DATA, run_dir=tmp_path).phases
    assert phase.seconds > 1000
    assert phase.features >= 2000
