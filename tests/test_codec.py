"""What activations are kept in, what of them is on disk, and which views there are."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cifarkit import augment
from cifarkit._errors import InvalidArgument, SourceError, TrainingError
from cifarkit.activations import Cache, Codec, Drawn, Flips, views_of
from cifarkit.activations._stored import Stored

MAPS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(2), st.just(3), st.integers(1, 5)),
    elements=st.floats(-6e4, 6e4, width=32, allow_subnormal=False),
)


def kept(dtype, values):
    """Return values as they come back."""
    codec = Codec(dtype, values.shape[1:])
    return np.asarray(codec.decode(codec.encode(values)), np.float32)


@given(values=MAPS)
def test_float32_is_exact(values):
    """What is kept whole comes back whole."""
    assert np.array_equal(kept("float32", values), values)


@given(values=MAPS)
def test_half_types_round_to_the_nearest(values):
    """float16 has 11 significant bits, bfloat16 has 8."""
    tiny = 2.0**-24  # below it, float16 has fewer bits
    for dtype, bits in (("float16", 11), ("bfloat16", 8)):
        error = np.abs(kept(dtype, values) - values)
        assert (error <= np.abs(values) * 2.0**-bits + tiny).all()


@given(values=MAPS)
def test_int8_is_off_by_half_a_step_of_each_channel(values):
    """A step is the 127th part of the largest value of that image's channel."""
    largest = np.abs(values).max(axis=(1, 2), keepdims=True)
    error = np.abs(kept("int8", values) - values)
    assert (error <= largest / 127 * 0.501 + 1e-30).all()


def test_int8_keeps_vectors_in_float16():
    """A vector has one value for each channel: a scale would be larger than it."""
    values = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(kept("int8", values), kept("float16", values))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(dtype, bad):
    """A NaN in the activations would end training much later and unexplained."""
    values = np.ones((2, 2, 2, 3), np.float32)
    values[1, 0, 1, 2] = bad
    with pytest.raises(TrainingError, match=r"NaN.*of the backbone\.$"):
        Codec(dtype, (2, 2, 3)).encode(values)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8"])
def test_what_is_kept_has_the_types_that_it_is_said_to_have(dtype):
    """Of values in float64 too, as Keras gives them if it is told to."""
    codec = Codec(dtype, (2, 2, 3))
    parts = codec.encode(np.random.default_rng(0).normal(size=(4, 2, 2, 3)))
    told = {name: np.dtype(kind) for name, (kind, _) in codec.layout.items()}
    assert {name: each.dtype for name, each in parts.items()} == told


def test_what_is_too_large_for_float16_is_refused():
    """It would become infinite; bfloat16 has the range of float32."""
    values = np.full((1, 2), 1e5, np.float32)
    with pytest.raises(TrainingError, match="bfloat16"):
        Codec("float16", (2,)).encode(values)
    assert np.isclose(kept("bfloat16", values), 1e5, rtol=2**-8).all()


@pytest.mark.parametrize(
    ("dtype", "nbytes"), [("float32", 240), ("bfloat16", 120), ("int8", 80)]
)
def test_the_bytes_of_an_image(dtype, nbytes):
    """They are what the arrays of one image hold."""
    codec = Codec(dtype, (3, 4, 5))
    parts = codec.encode(np.ones((1, 3, 4, 5), np.float32))
    assert codec.nbytes == nbytes == sum(part.nbytes for part in parts.values())


@given(rows=st.lists(st.integers(0, 199), max_size=40))
def test_a_stored_array_gives_what_is_in_the_file(rows, tmp_path_factory):
    """In any order, with rows twice, and after the file is deleted."""
    path = tmp_path_factory.mktemp("stored") / "values.npy"
    values = np.random.default_rng(0).random((200, 3, 7), dtype=np.float32)
    np.save(path, values)
    stored = Stored(path)
    path.unlink()
    assert (stored.shape, stored.nbytes) == (values.shape, values.nbytes)
    for chosen in (rows, sorted(rows), rows[::-1], list(range(200))):
        positions = np.array(chosen, np.int64)
        assert np.array_equal(stored[positions], values[positions])


def test_a_stored_array_takes_no_memory(tmp_path):
    """What was read is held by whoever asked for it, and by nobody else."""
    path, megabyte = tmp_path / "values.npy", 2**20
    np.save(path, np.ones((64, megabyte), np.uint8))
    stored = Stored(path)
    before = resident()
    for row in range(64):
        stored[np.array([row])]
    assert resident() - before < 16 * megabyte


def test_a_stored_array_that_was_cut_off_is_not_read(tmp_path):
    """Whoever reads rows that are not there any more is told so."""
    path = tmp_path / "values.npy"
    np.save(path, np.ones((8, 4), np.float32))
    stored = Stored(path)
    os.truncate(path, path.stat().st_size - 8)
    assert np.array_equal(stored[np.arange(7)], np.ones((7, 4), np.float32))
    with pytest.raises(SourceError, match="up to number 8 of 8"):
        stored[np.arange(6, 8)]


def resident():
    """Return the bytes that this process holds in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "float64"},
        {"precision": "int8"},
        {"views": 0},
        {"views": True},
        {"views": 2.0},
        {"disk": "yes"},
    ],
)
def test_settings_that_mean_nothing_are_refused(options):
    """With what is possible, and what was received."""
    with pytest.raises(InvalidArgument, match=r"Expected .* received"):
        Cache(**options)


def test_drawn_views_differ_and_stay_the_same():
    """Each view has its own noise, which follows from view and position alone."""
    views = views_of(augment.compose([augment.crop(4), augment.flip()]), 3)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    shown = [views.show(images, view, 0) for view in range(len(views))]
    assert len(views) == 3
    assert not np.array_equal(shown[0], shown[1])
    assert not np.array_equal(views.show(images, 0, 5), shown[0])
    assert np.array_equal(views.show(images, 1, 0), shown[1])


@given(noise=st.floats(0, 1, exclude_max=True, width=32), count=st.integers(1, 1000))
def test_the_chosen_view_is_one_of_them(noise, count):
    """Even a number just below 1 does not reach beyond the last."""
    views = Drawn(augment.compose([augment.crop(4)]), count)
    (chosen,) = views.choose(np.array([[noise]], np.float32))
    assert 0 <= chosen < count
    assert chosen == min(int(noise * count), count - 1) or count > 500


def test_every_view_is_chosen_as_often_as_another():
    """A view that is never chosen would be computed for nothing."""
    noise = np.random.default_rng(0).random((9000, 1), dtype=np.float32)
    for views in (Flips(mirrored=True), Drawn(augment.compose([augment.crop(4)]), 3)):
        shares = np.bincount(views.choose(noise)) / len(noise)
        assert np.allclose(shares, 1 / len(views), atol=0.03)


def test_mixed_images_have_no_views():
    """What mixes two images cannot be kept for one."""
    with pytest.raises(InvalidArgument, match="mixes"):
        views_of(augment.compose([augment.mixup()]), 4)


def test_an_augmentation_of_a_user_is_not_written_down():
    """Its text may leave out what it does, so that its key could lie."""

    class Own(augment.Augmentation):
        draws = 0

        def __call__(self, images, targets, noise):
            return images, targets

        def __repr__(self):
            return "Own()"

    assert Drawn(augment.compose([Own()]), 2).text == ""
    assert Drawn(augment.compose([augment.compose([Own()])]), 2).text == ""
    assert "crop" in Drawn(augment.compose([augment.crop(4)]), 2).text
