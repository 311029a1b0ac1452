"""Stacks of batches: the same batches, in the same order, each once."""

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
from cifarkit.training._inputs import data_of
from cifarkit.training._looped import Stacks
from cifarkit.training._resident import Resident, even, on_device
from cifarkit.training._stage import Stage

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


@given(images=st.integers(0, 20_000), batch=st.integers(1, 256))
def test_batches_that_are_judged_leave_nothing_over_where_they_can(images, batch):
    """Neither smaller than asked for nor much larger."""
    size = even(images, batch)
    assert batch <= size <= 4 * batch
    possible = [n for n in range(batch, 4 * batch + 1) if images % n == 0]
    assert size == max(possible, default=batch)


@pytest.fixture
def stage(monkeypatch):
    """Return a stage that learns live, as if Keras ran on JAX and a GPU of 1 GB."""
    monkeypatch.setattr(_resident, "_device_bytes", lambda: 10**9)
    monkeypatch.setattr(_resident, "_put", lambda part: part.split.images)
    data = data_of(datasets.synthetic(60, size=8))
    return Stage(learner=None, data=data, policy=compose(flip()))


def test_a_phase_that_nothing_awaits_makes_many_steps_in_one_call(stage):
    """And counts them as if each were one call."""
    phase = Phase(batch_size=4)
    train = on_device(stage, phase, awaited=False).data.train
    feed = train.feed(phase, draws=1, key=(0, 1))
    assert feed.steps == stage.data.train.feed(phase, draws=1, key=(0, 1)).steps
    assert feed.batches.num_batches == 1 + (len(train) % 4 > 0)
    position = feed.batches[0][0]["image"]
    assert position.shape == (len(train) // 4, 4)
    assert feed.batches[0][0]["images"] is stage.data.train.split.images


def test_a_phase_whose_steps_are_awaited_makes_one_in_a_call(stage):
    """A callback that is told of each step is told of each."""
    phase = Phase(batch_size=4)
    feed = on_device(stage, phase, awaited=True).data.train.feed(
        phase, draws=1, key=(0, 1)
    )
    assert feed.batches.num_batches == feed.steps


def test_an_epoch_begins_for_the_stacks_too(stage):
    """Each has an order of its own."""
    phase = Phase(batch_size=4)
    train = on_device(stage, phase, awaited=False).data.train
    feed = train.feed(phase, draws=1, key=(0, 1))
    first = feed.batches[0][0]["image"]
    feed.begin_epoch(1)
    assert not np.array_equal(first, feed.batches[0][0]["image"])


def test_validation_leaves_no_smaller_batch_over(stage):
    """Its batches change no result."""
    phase = Phase(batch_size=4)
    validation = on_device(stage, phase, awaited=False).data.validation
    feed = validation.feed(phase, draws=0, key=None)
    inputs, _, _ = feed.batches[0]
    assert inputs["image"].size == len(validation) or feed.batches.num_batches > 1
    assert len(validation) % inputs["image"].shape[1] == 0


@pytest.mark.parametrize("why", ["memory", "divided", "not whole"])
def test_images_stay_on_the_host_where_they_cannot_stay_on_the_device(
    stage, why, monkeypatch
):
    """For want of room, or because there are several devices, or none."""
    data = stage.data
    if why == "memory":
        nbytes = data.train.split.images.nbytes + data.validation.split.images.nbytes
        monkeypatch.setattr(_resident, "_device_bytes", lambda: 4 * nbytes - 1)
    elif why == "divided":
        data = replace(data, train=replace(data.train, share=Share(devices=2)))
    else:
        data = replace(data, train=SimpleNamespace())
    stage = replace(stage, data=data)
    assert on_device(stage, Phase(), awaited=False) is stage


def test_enough_memory_is_a_quarter_of_the_device(stage, monkeypatch):
    """The other side of the limit above."""
    data = stage.data
    nbytes = data.train.split.images.nbytes + data.validation.split.images.nbytes
    monkeypatch.setattr(_resident, "_device_bytes", lambda: 4 * nbytes)
    assert isinstance(on_device(stage, Phase(), awaited=False).data.train, Resident)


@pytest.mark.parametrize(("together", "place"), [(1, " step 2"), (64, "by step 128")])
def test_a_loss_that_is_not_finite_is_told_with_the_steps_until_then(together, place):
    """Which of a call's steps it was, nobody knows."""
    fed = SimpleNamespace(reached=deque(), together=together)
    finite = FiniteLater(1, fed)
    finite.set_model(SimpleNamespace(get_weights=list, network=None))
    finite.on_epoch_begin(0)
    fed.reached.extend([0.5, float("nan")])
    with pytest.raises(NotFinite, match=f"epoch 1,.*{place}"):
        finite.on_test_begin()
