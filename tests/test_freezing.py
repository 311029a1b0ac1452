"""What learns: counts, fractions, blocks, and the batch-norm policy."""

from types import SimpleNamespace

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit import Phase
from cifarkit._errors import InvalidArgument, TrainingError, UnknownName
from cifarkit.training._freezing import (
    FrozenGuard,
    freeze,
    is_batch_norm,
    learning,
    leaves,
)
from cifarkit.training._statistics import momentum_of


class Conv2D(SimpleNamespace):
    """Stands in for the Keras layer of this name."""


class BatchNormalization(SimpleNamespace):
    """Stands in for the Keras layer of this name."""


def block_of(name):
    """Return `block_3` for `block_3_conv`, None for a name without a block."""
    return "_".join(name.split("_")[:2]) if name.startswith("block") else None


def network(blocks):
    """Return layers: a stem, then for each number that many layers of a block."""
    kinds = (Conv2D, BatchNormalization, SimpleNamespace)
    names = ["stem"]
    for number, size in enumerate(blocks):
        names += [f"block_{number}_{part}" for part in range(size)]
    return [
        kinds[index % 3](name=name, trainable=True) for index, name in enumerate(names)
    ]


BLOCKS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@given(BLOCKS, st.data())
def test_a_count_covers_that_many_layers_from_the_end(blocks, data):
    """Without snapping the last n layers learn, no more and no fewer."""
    layers = network(blocks)
    count = data.draw(st.integers(1, len(layers)))
    mask = learning(layers, count, snap=False, block_of=block_of)
    assert mask == (False,) * (len(layers) - count) + (True,) * count


@given(BLOCKS, st.data())
def test_snapping_moves_to_the_start_of_the_block_and_no_further(blocks, data):
    """A snapped cut never divides a block, and adds only layers of that block."""
    layers = network(blocks)
    count = data.draw(st.integers(1, len(layers)))
    exact = learning(layers, count, snap=False, block_of=block_of).index(True)
    snapped = learning(layers, count, snap=True, block_of=block_of).index(True)
    names = [block_of(layer.name) for layer in layers]
    assert snapped <= exact
    assert len(set(names[snapped : exact + 1])) == 1
    assert (
        snapped == 0 or names[snapped - 1] != names[snapped] or names[snapped] is None
    )


@given(BLOCKS, st.data())
def test_more_asked_is_never_less_learning(blocks, data):
    """The number of learning layers does not drop as more layers are asked for."""
    layers = network(blocks)
    counts = sorted(
        data.draw(st.lists(st.integers(1, len(layers)), min_size=2, max_size=2))
    )
    few, many = (
        sum(learning(layers, count, snap=True, block_of=block_of)) for count in counts
    )
    assert few <= many


@given(BLOCKS, st.booleans())
def test_freezing_and_unfreezing_restores_the_flags(blocks, tuned):
    """Frozen is frozen, and unfreezing everything gives back what was there."""
    layers = network(blocks)
    policy = "tuned" if tuned else "frozen"
    freeze(layers, [False] * len(layers), batch_norm=policy)
    assert not any(layer.trainable for layer in layers)
    freeze(layers, [True] * len(layers), batch_norm="tuned")
    assert all(layer.trainable for layer in layers)


@given(BLOCKS)
def test_frozen_batch_norm_stays_frozen(blocks):
    """With the frozen policy no batch norm learns, whatever is unfrozen."""
    layers = network(blocks)
    freeze(layers, [True] * len(layers), batch_norm="frozen")
    assert [layer.trainable for layer in layers] == [
        not is_batch_norm(layer) for layer in layers
    ]


def test_all_none_and_conv2d():
    """The three words mean everything, nothing, and the convolutions alone."""
    layers = network([3, 3])
    assert all(learning(layers, "all", snap=True, block_of=block_of))
    assert not any(learning(layers, None, snap=True, block_of=block_of))
    convolutions = learning(layers, "conv2d", snap=True, block_of=block_of)
    assert convolutions == tuple(isinstance(layer, Conv2D) for layer in layers)


def test_a_fraction_is_of_all_layers():
    """Half of ten layers are five."""
    layers = network([3, 3, 3])
    assert sum(learning(layers, 0.5, snap=False, block_of=block_of)) == 5
    assert sum(learning(layers, 1.0, snap=False, block_of=block_of)) == 10


def test_a_block_by_name():
    """A block's name unfreezes from its first layer on."""
    layers = network([2, 2, 2])
    assert learning(layers, "block_1", snap=True, block_of=block_of).index(True) == 3


def test_an_unknown_block_names_the_nearest():
    """A typo in a block's name is found."""
    with pytest.raises(UnknownName, match="Did you mean 'block_1'"):
        learning(network([2, 2]), "blok_1", snap=True, block_of=block_of)


@pytest.mark.parametrize("wrong", [0, -1, 99, 0.0, 1.5, -0.1, True, (1,)])
def test_impossible_amounts_are_refused(wrong):
    """Counts and fractions outside of the backbone say what is possible."""
    with pytest.raises(InvalidArgument, match=r"from 1 to 7"):
        learning(network([3, 3]), wrong, snap=True, block_of=block_of)


def test_nested_models_are_looked_into():
    """A nested model's layers are found, and its batch norm stays frozen."""
    norm = keras.layers.BatchNormalization(name="norm")
    inner = keras.Sequential([keras.Input((4,)), norm], name="inner")
    outer = keras.Sequential([keras.Input((4,)), inner], name="outer")
    assert {"outer", "inner", "norm"} <= {leaf.name for leaf in leaves(outer)}
    freeze([outer], [True], batch_norm="frozen")
    assert outer.trainable
    assert not norm.trainable


def test_a_batch_norm_inside_a_layer_of_ones_own_is_found():
    """Derived batch norms, and those that a custom layer holds, are frozen too."""

    class Own(keras.layers.BatchNormalization):
        pass

    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.norm = Own()

    block = Block()
    freeze([block], [True], batch_norm="frozen")
    assert block.trainable
    assert not block.norm.trainable


def test_conv2d_without_any_is_refused():
    """A word that would unfreeze nothing says so."""
    layers = [SimpleNamespace(name="dense", trainable=True)]
    with pytest.raises(InvalidArgument, match="received none"):
        learning(layers, "conv2d", snap=True, block_of=block_of)


@pytest.mark.parametrize(("fraction", "count"), [(0.01, 1), (0.24, 2), (0.26, 3)])
def test_a_fraction_is_rounded_and_never_nothing(fraction, count):
    """Of ten layers: a hundredth is one, 2.4 are two, 2.6 are three."""
    mask = learning(network([3, 3, 3]), fraction, snap=False, block_of=block_of)
    assert sum(mask) == count


def test_layers_between_blocks_are_no_block():
    """A cut at one of them stays where it is."""
    names = ("stem", "block_1_a", "add_1", "add_2", "block_2_a")
    layers = [Conv2D(name=name, trainable=True) for name in names]
    assert (
        learning(layers, 2, snap=True, block_of=block_of) == (False,) * 3 + (True,) * 2
    )


@pytest.mark.parametrize("name", ["moving_mean", "moving_variance"])
def test_a_guard_sees_either_statistic_of_frozen_norms_alone(name):
    """What learns may move; what is no number is no movement."""
    held, free = (
        keras.layers.BatchNormalization(trainable=each) for each in (False, True)
    )
    model = keras.Sequential([keras.Input((3,)), held, free])
    getattr(held, name).assign([1.0, 2.0, float("nan")])
    guard = FrozenGuard([model])
    getattr(free, name).assign([9.0, 9.0, 9.0])
    guard.check()
    getattr(held, name).assign([1.0, 2.5, float("nan")])
    with pytest.raises(TrainingError, match="keep its"):
        guard.check()


@pytest.mark.parametrize(
    ("given", "steps", "kept"),
    [
        ("auto", 700, 1 - 10 / 700),
        ("auto", 101, 1 - 10 / 101),
        ("auto", 15, 0.9),
        ("auto", 1, 0.9),
        (0.8, 700, 0.8),
        (None, 700, None),
    ],
)
def test_statistics_last_for_a_tenth_of_an_epoch(given, steps, kept):
    """At least ten steps; or as long as they are told."""
    phase = Phase(bn_momentum=given, batch_norm="tuned")
    assert momentum_of(phase, steps) == pytest.approx(kept)
