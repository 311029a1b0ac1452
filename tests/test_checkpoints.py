"""Checkpoints: whole or absent, the newest whole one counts, others are left alone."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit import _arrays, _sealed
from cifarkit._checkpoints import Checkpoints
from cifarkit._errors import CorruptFile, WriteError

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(7, np.int64)}


def saved(folder, *numbers):
    """Return checkpoints, one for each number, which its record holds."""
    states = Checkpoints(folder)
    for number in numbers:
        states.save({"a": np.full(4, number)}, {"of": number})
    return states


def test_a_state_comes_back_as_it_was(tmp_path):
    """Arrays with shape and type, and the record."""
    Checkpoints(tmp_path).save(ARRAYS, {"epoch": 2, "loss": 0.1 + 0.2})
    kept = Checkpoints(tmp_path).newest()
    assert kept.number == 1
    assert kept.record == {"epoch": 2, "loss": 0.1 + 0.2}
    for name, array in ARRAYS.items():
        assert kept.arrays[name].dtype == array.dtype
        assert np.array_equal(kept.arrays[name], array)
        assert kept.arrays[name].shape == array.shape


def test_the_two_newest_are_kept(tmp_path):
    """And nothing else of ours."""
    assert saved(tmp_path, 1, 2, 3, 4).newest().record == {"of": 4}
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"00000{n}.{kind}" for n in (3, 4) for kind in ("manifest", "npz")]


def test_an_empty_folder_has_none(tmp_path):
    """Nor has one that is not there."""
    assert Checkpoints(tmp_path).newest() is None
    assert Checkpoints(tmp_path / "none").newest() is None


def test_a_file_that_cannot_be_read_now_is_not_damaged(tmp_path, monkeypatch):
    """A network disk that is away says nothing about what is on it."""
    states = saved(tmp_path, 1, 2)

    def away(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_bytes", away)
        with pytest.raises(OSError, match="Input/output"):
            states.newest()
    assert states.newest().record == {"of": 2}


@pytest.mark.parametrize("kind", ["npz", "manifest"])
def test_a_damaged_one_gives_way_to_the_one_before(kind, tmp_path, caplog):
    """It is set aside, so that it does not count as one of the two."""
    states = saved(tmp_path, 1, 2)
    path = tmp_path / f"000002.{kind}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    assert states.newest().record == {"of": 1}
    assert "Checkpoint 2 is damaged" in caplog.text
    assert states.save(ARRAYS, {"of": 3}) == 3
    assert (tmp_path / "000001.npz").exists()
    assert states.newest().record == {"of": 3}


def test_files_of_others_are_never_touched(tmp_path):
    """Whatever they are called."""
    others = {"notes.txt", "best.npz", "0000001.npz", "000001.npz.bak", "model.keras"}
    for name in others:
        (tmp_path / name).write_text("mine")
    states = saved(tmp_path, *range(1, 6))
    states.tidy()
    states.newest()
    assert all((tmp_path / name).read_text() == "mine" for name in others)


def test_what_a_killed_writer_left_is_deleted(tmp_path):
    """A file without its manifest, and a half-written one."""
    states = saved(tmp_path, 1)
    (tmp_path / "000002.npz").write_bytes(b"half")
    (tmp_path / ".writing-abc").mkdir()
    states.tidy()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "000001.manifest",
        "000001.npz",
    ]


def test_a_number_is_never_used_twice(tmp_path):
    """A file without a manifest may still be read by somebody."""
    states = saved(tmp_path, 1)
    (tmp_path / "000007.npz").write_bytes(b"half")
    assert states.save(ARRAYS, {}) == 8


@pytest.mark.parametrize("broken", ["_arrays.write", "_sealed.write"])
def test_a_failed_save_leaves_the_one_before(broken, tmp_path, monkeypatch):
    """One typed error, and no half of a state."""
    states = saved(tmp_path, 1)
    before = sorted(tmp_path.iterdir())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"cifarkit.{broken}", full)
    with pytest.raises(WriteError, match="No space left"):
        states.save(ARRAYS, {})
    assert sorted(tmp_path.iterdir()) == before
    assert states.newest().record == {"of": 1}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=9,
)


@given(value=st.dictionaries(st.text(), json))
def test_sealed_values_come_back(value, tmp_path_factory):
    """Whatever JSON they are."""
    path = tmp_path_factory.mktemp("sealed") / "x.sealed"
    _sealed.write(path, value)
    assert _sealed.read(path) == value


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
def test_every_changed_byte_of_a_sealed_file_shows(place, bit, cut, tmp_path_factory):
    """A flipped bit anywhere, or an end that is missing."""
    path = tmp_path_factory.mktemp("sealed") / "x.sealed"
    _sealed.write(path, {"epoch": 3, "history": {"loss": [0.5, 0.25]}})
    content = bytearray(path.read_bytes())
    place %= len(content)
    if cut:
        del content[place:]
    else:
        content[place] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match="cannot be used"):
        _sealed.read(path)


def packed(arrays, save=np.savez):
    """Return an open `.npz` file."""
    content = io.BytesIO()
    save(content, **arrays)
    content.seek(0)
    return content


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3, 4)])
def test_arrays_of_numpy_are_read(shape, order):
    """Each shape and order, and so that they can be changed."""
    array = np.asarray(np.random.default_rng(0).random(shape), order=order)
    read = _arrays.read(packed({"a": array}))["a"]
    assert np.array_equal(read, array)
    assert read.flags.writeable


def test_arrays_in_bfloat16_come_back():
    """A type that NumPy's format does not know."""
    import ml_dtypes

    content = io.BytesIO()
    array = np.array([[1.5, -2.0]]).astype(ml_dtypes.bfloat16)
    _arrays.write(content, {"a": array})
    content.seek(0)
    read = _arrays.read(content)["a"]
    assert read.dtype == ml_dtypes.bfloat16
    assert np.array_equal(read, array)


def test_compressed_arrays_are_read_up_to_a_bound():
    """Without one they are refused: a small file may hold endless zeros."""
    zeros = {"a": np.zeros(10**6, np.uint8)}
    assert (
        _arrays.read(packed(zeros, np.savez_compressed), most=2 * 10**6)["a"].sum() == 0
    )
    with pytest.raises(CorruptFile, match="more than 1,000 bytes"):
        _arrays.read(packed(zeros, np.savez_compressed), most=1000)
    with pytest.raises(CorruptFile, match="compressed"):
        _arrays.read(packed(zeros, np.savez_compressed))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([print], dtype=object), "holds objects"),
        (np.array(["x", None]), "holds objects"),
    ],
)
def test_pickles_among_arrays_are_refused(array, message):
    """NumPy would have to be asked not to load them."""
    with pytest.raises(CorruptFile, match=message):
        _arrays.read(packed({"a": array}))


def test_a_header_that_lies_is_refused():
    """A shape of terabytes allocates nothing."""
    head = {"descr": "<f4", "fortran_order": False, "shape": (2**40,)}
    content, file = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(content, head)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", content.getvalue() + bytes(16))
    with pytest.raises(CorruptFile, match="declares what it does not hold"):
        _arrays.read(file)
