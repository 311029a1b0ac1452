"""Stacks of batches: the same batches, in the same order, each once."""

import sys
from collections import deque
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit import Phase, datasets
from cifarkit._errors import NotFinite
from cifarkit.augment import compose, flip
from cifarkit.training import _resident
from cifarkit.training._batches import Batches
from cifarkit.training._devices import Share
from cifarkit.training._guarding import FiniteLater
from cifarkit.training._inputs import InMemory, data_of
from cifarkit.training._looped import Stacks
from cifarkit.training._resident import Resident, on_device
from cifarkit.training._stage import Stage
from cifarkit.training._watching import sees_steps

sizes = {
    "images": st.integers(1, 90),
    "size": st.integers(1, 16),
    "height": st.integers(1, 9),
}


def batches(images, size):
    """Return batches of positions, shuffled, with noise."""
    return Batches(
        lambda chosen, noise: chosen.astype(np.int32),
        np.arange(images) % 3,
        classes=3,
        batch_size=size,
        draws=2,
        key=(0, 1),
    )


@given(**sizes)
def test_stacks_hold_each_batch_once_and_in_order(images, size, height):
    """What fills a stack up says that it is none, in its position."""
    apart = batches(images, size)
    stacks = Stacks(batches(images, size), "all images", height)
    unstacked = []
    for number in range(stacks.num_batches):
        inputs, targets, weights = stacks[number]
        assert inputs.pop("images") == "all images"
        assert len(weights) <= height
        real = (inputs["image"][:, 0] >= 0).sum()
        assert real, "a stack of no batch"
        for row in range(real):
            unstacked.append(
                keras.tree.map_structure(
                    lambda each, row=row: each[row], (inputs, targets, weights)
                )
            )
        assert (inputs["image"][real:] == -1).all()
    assert len(unstacked) == apart.num_batches
    for step, found in enumerate(unstacked):
        keras.tree.map_structure(np.testing.assert_array_equal, apart[step], found)


@given(**sizes)
def test_stacks_have_two_shapes_at_most(images, size, height):
    """Each further one would have to be compiled."""
    stacks = Stacks(batches(images, size), None, height)
    shapes = {stacks[each][2].shape for each in range(stacks.num_batches)}
    assert len(shapes) <= 1 + (images % size > 0)


@pytest.fixture
def stage(monkeypatch):
    """Return a stage that learns live, as if Keras ran on JAX and a GPU of 1 GB."""
    monkeypatch.setattr(_resident, "_device_bytes", lambda: 10**9)
    monkeypatch.setattr(InMemory, "on_device", "the images")
    data = data_of(datasets.synthetic(60, size=8))
    return Stage(learner=keras.Sequential(), data=data, policy=compose(flip()))


def fed(stage, *, seen=False):
    """Return the feed of a phase's training images."""
    phase = Phase(batch_size=4)
    resident = on_device(stage, phase, seen=seen).data.train
    return resident.feed(phase, draws=1, key=(0, 1))


def test_steps_that_nothing_sees_are_one_call(stage):
    """The schedule of the rate still counts steps."""
    feed, images = fed(stage), len(stage.data.train)
    assert feed.steps == -(-images // 4)
    assert feed.batches.num_batches == 1 + (images % 4 > 0)
    inputs, _, _ = feed.batches[0]
    assert inputs["image"].shape == (images // 4, 4)
    assert inputs["images"] == "the images"


def test_a_step_that_something_sees_is_a_call(stage):
    """A callback that acts in each step is told of each."""
    feed = fed(stage, seen=True)
    assert feed.batches.num_batches == feed.steps


def test_a_step_is_a_call_where_keras_limits_them(stage, monkeypatch):
    """`set_max_steps_per_epoch` counts calls."""
    monkeypatch.setattr(keras.config, "max_steps_per_epoch", lambda: 2)
    feed = fed(stage)
    assert feed.batches.num_batches == feed.steps


def test_an_epoch_begins_for_the_stacks_too(stage):
    """Each has an order of its own."""
    feed = fed(stage)
    first = feed.batches[0][0]["image"]
    feed.begin_epoch(1)
    assert not np.array_equal(first, feed.batches[0][0]["image"])


def nbytes(stage):
    """Return the bytes of all images."""
    parts = stage.data.train, stage.data.validation
    return sum(part.split.images.nbytes for part in parts)


@pytest.mark.parametrize("why", ["memory", "divided", "not whole", "not compiled"])
def test_images_stay_on_the_host_where_they_cannot_stay_on_the_device(
    stage, why, monkeypatch
):
    """For want of room, or because there are several devices, or none."""
    data, learner = stage.data, stage.learner
    if why == "memory":
        monkeypatch.setattr(_resident, "_device_bytes", lambda: 4 * nbytes(stage) - 1)
    elif why == "divided":
        data = replace(data, train=replace(data.train, share=Share(devices=2)))
    elif why == "not whole":
        data = replace(data, train=SimpleNamespace())
    else:
        layer = keras.layers.Dense(1)
        layer.supports_jit = False
        learner = keras.Sequential([layer])
    stage = replace(stage, data=data, learner=learner)
    assert on_device(stage, Phase(), seen=False) is stage


def test_enough_memory_is_four_times_the_images(stage, monkeypatch):
    """The other side of the limit above."""
    monkeypatch.setattr(_resident, "_device_bytes", lambda: 4 * nbytes(stage))
    assert isinstance(on_device(stage, Phase(), seen=False).data.train, Resident)


@pytest.mark.parametrize(
    ("backend", "platform", "stats", "nbytes"),
    [
        ("tensorflow", "gpu", {"bytes_limit": 5}, 0),
        ("jax", "cpu", {"bytes_limit": 5}, 0),
        ("jax", "gpu", None, 0),
        ("jax", "gpu", {"bytes_limit": 5}, 5),
    ],
)
def test_a_device_has_memory_where_jax_says_so_of_a_gpu(
    backend, platform, stats, nbytes, monkeypatch
):
    """Elsewhere images stay on the host."""
    device = SimpleNamespace(platform=platform, memory_stats=lambda: stats)
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: [device]))
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert _resident._device_bytes() == nbytes


@pytest.mark.parametrize(
    ("hook", "seen"),
    [
        ("on_batch_begin", True),
        ("on_batch_end", True),
        ("on_train_batch_begin", True),
        ("on_train_batch_end", True),
        ("on_test_batch_begin", True),
        ("on_test_batch_end", True),
        ("on_predict_batch_end", False),
        ("on_epoch_end", False),
        ("on_test_begin", False),
    ],
)
def test_a_callback_that_acts_in_steps_sees_them(hook, seen):
    """Whether or not they have to wait for it."""

    def act(self, *args, **options):
        """Act."""

    kind = type("Acting", (keras.callbacks.Callback,), {hook: act, "async_safe": True})
    assert sees_steps(kind()) is seen


@pytest.mark.parametrize(
    ("together", "steps", "place"),
    [(1, 9, " step 2"), (64, 704, "by step 128"), (64, 70, "by step 70")],
)
def test_a_loss_that_is_not_finite_is_told_with_the_steps_until_then(
    together, steps, place
):
    """Which of a call's steps it was, nobody knows."""
    model = SimpleNamespace(reached=deque(), together=together, steps=steps)
    finite = FiniteLater(1, model)
    finite.set_model(SimpleNamespace(get_weights=list, network=None))
    finite.on_epoch_begin(0)
    model.reached.extend([0.5, float("nan")])
    with pytest.raises(NotFinite, match=f"epoch 1,.*{place}[.]"):
        finite.on_test_begin()
