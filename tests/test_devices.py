"""Several devices, hosts and workers: who learns from what, and who computes what."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads
from cifarkit._errors import InvalidArgument, MissingExtra, TrainingError
from cifarkit.activations import Cache, Engine, Flips, _ray, extract
from cifarkit.training._batches import Batches
from cifarkit.training._devices import ALONE, Share, share_of
from cifarkit.training._inputs import InMemory
from cifarkit.training._stage import Kept

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8)


@given(
    images=st.integers(0, 500),
    processes=st.integers(1, 4),
    each=st.integers(1, 4),
)
def test_the_parts_of_a_batch_are_all_of_it_but_what_is_left_over(
    images, processes, each
):
    """Equal parts, in order, none twice."""
    devices = processes * each
    batch = np.arange(images)
    parts = [
        batch[Share(devices, processes, index).part(images)]
        for index in range(processes)
    ]
    assert len({len(part) for part in parts}) == 1
    assert np.concatenate(parts).tolist() == list(range(images - images % devices))


@given(images=st.integers(1, 300), batch=st.integers(1, 64), devices=st.integers(1, 9))
def test_no_step_leaves_a_device_without_images(images, batch, devices):
    """As long as a batch has one for each."""
    batch = max(batch, devices)
    share = Share(devices)
    sizes = [
        min(batch, images - step * batch) for step in range(share.steps(images, batch))
    ]
    assert all(size >= devices for size in sizes)
    assert sum(sizes) > images - devices


def batches(share, key=(0,)):
    """Return batches of numbered images, as a process of several gets them."""
    return Batches(
        lambda chosen, noise: np.stack([chosen, np.rint(1e6 * noise[:, 0])], axis=1),
        np.arange(103) % 10,
        classes=10,
        batch_size=16,
        draws=1,
        key=key,
        share=share,
    )


def test_two_processes_see_what_one_sees():
    """The same order and the same noise, each its half."""
    one = batches(ALONE)
    two = [batches(Share(2, 2, index)) for index in range(2)]
    for epoch in range(2):
        for each in (one, *two):
            each.begin_epoch(epoch)
        for step in range(two[0].num_batches):
            whole = one[step][0]["image"]
            halves = [each[step][0]["image"] for each in two]
            joined = np.concatenate(halves)
            assert np.array_equal(joined, whole[: len(joined)])
            assert len(whole) - len(joined) < 2


@pytest.mark.parametrize("strategy", ["mirrored", 2, keras.distribution.DataParallel])
def test_what_is_no_strategy_is_refused(strategy):
    """With the two that there are."""
    with pytest.raises(InvalidArgument, match=r"MirroredStrategy.*DataParallel on JAX"):
        share_of(strategy)


def test_the_strategy_under_which_keras_cannot_fit_is_refused():
    """With the way that there is."""
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy.__new__(
        tf.distribute.MultiWorkerMirroredStrategy
    )
    with pytest.raises(InvalidArgument, match=r"issue 20585.*KERAS_BACKEND=jax"):
        share_of(strategy)


@pytest.mark.parametrize("fewest", ["batch", "training", "validation"])
def test_a_batch_needs_an_image_for_each_device(fewest, monkeypatch):
    """Said before anything is trained."""
    monkeypatch.setattr(
        "cifarkit.training._course.share_of", lambda strategy: Share(devices=4)
    )
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2", weights=None, size=64),
        heads.linear(),
        phase_1=Phase(batch_size=2 if fewest == "batch" else 8),
        phase_2=None,
        verbose=0,
    )
    train, data = datasets.synthetic(60, size=64).train, {}
    if fewest == "validation":
        data = {"validation": (train.images[:3], np.arange(3))}
    count = 3 if fewest == "training" else 40
    given = train.images[:count], np.arange(count) % 3
    with pytest.raises(InvalidArgument, match="at least 4, an image for each device"):
        trainer.fit(given, **data)


class Cluster:
    """Stands for Ray: does each task when its result is asked for."""

    class exceptions:
        """Ray's errors."""

        class RayError(Exception):
            """The base of them."""

    def __init__(self):
        self.asked, self.waiting, self.most = 0, 0, 0

    def is_initialized(self):
        """Whether it is there."""
        return True

    def cluster_resources(self):
        """Return what it has."""
        return {"CPU": 1.0}

    def put(self, value):
        """Return a reference."""
        return value

    def remote(self, **options):
        """Return what makes a function a task."""
        cluster = self

        def decorate(function):
            class Task:
                def remote(self, *given):
                    cluster.waiting += 1
                    cluster.most = max(cluster.most, cluster.waiting)
                    return lambda: function(*given)

            return Task()

        return decorate

    def get(self, task):
        """Do a task."""
        self.asked, self.waiting = self.asked + 1, self.waiting - 1
        try:
            return task()
        except RuntimeError as error:
            raise self.exceptions.RayError(str(error)) from error


def frozen():
    """Return a small frozen part."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    return keras.Model(image, keras.layers.Conv2D(4, 3, 2)(image))


@pytest.fixture
def cluster(monkeypatch):
    """A cluster in the place of Ray's."""
    made = Cluster()
    monkeypatch.setattr(_ray, "require", lambda name, extra: made)
    return made


def test_a_cluster_computes_what_one_process_does(cluster):
    """To the bit, in order, with few batches on their way at a time."""
    views = Flips(mirrored=True)
    alone = extract(frozen(), IMAGES, views, cache=Cache(disk=False))
    shared = extract(frozen(), IMAGES, views, cache=Cache(disk=False, ray=True))
    for view in range(2):
        assert np.array_equal(alone.view(view), shared.view(view))
    assert cluster.asked == 6
    assert cluster.most == 4


def test_workers_with_another_engine_are_refused(cluster):
    """What is kept must not depend on who computed it."""
    batch = np.zeros((4, 8, 8, 3), np.float32)
    given = _ray.computed(frozen(), [batch], Engine("another"))
    with pytest.raises(TrainingError, match="in the place of another"):
        list(given)


def test_without_ray_the_line_that_installs_it_is_named(monkeypatch):
    """Before anything is computed."""
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"cifarkit\[ray\]"):
        list(_ray.computed(frozen(), [], Engine("tensorflow")))


def test_every_source_gives_a_process_its_share():
    """Of images, and of what is kept of them."""
    split = datasets.Split(IMAGES, np.zeros(len(IMAGES), np.int64), ("a",), 8)
    whole = InMemory(split, None, Share(2, 2, 1))
    kept = Kept(whole, extract(frozen(), IMAGES, cache=Cache(disk=False)))
    for source in (whole, kept):
        feed = source.feed(Phase(batch_size=64), draws=0, key=None)
        inputs, targets, _ = next(iter(feed.batches))
        assert len(inputs["image"]) == len(targets) == 32
