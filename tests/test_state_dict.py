"""State dicts of PyTorch, read without PyTorch."""

import builtins
import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifarkit._errors import CorruptFile
from cifarkit.backbones._state_dict import keras_arrays, read_state_dict

Arrays = dict[str, np.ndarray]
MAGIC = 0x1950A86A20F9469CFC6C
STATES = st.dictionaries(
    st.text(max_size=8),
    hnp.arrays(
        st.sampled_from([np.dtype("<f4"), np.dtype("<i8")]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    max_size=4,
)


class Call:
    """Pickles as a call of a function by its name, as torch.save writes them."""

    def __init__(self, name: str, *arguments: Any) -> None:
        self.name, self.arguments = name, arguments


class Named:
    """Pickles as a global name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Storage:
    """Pickles as a persistent id."""

    def __init__(self, *pid: Any) -> None:
        self.pid = pid


class Writer(pickle._Pickler):
    """Writes names of modules that are not installed."""

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        match value:
            case Named():
                module, _, name = value.name.rpartition(".")
                self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
            case Call():
                self.save(Named(value.name))
                self.save(value.arguments)
                self.write(pickle.REDUCE)
            case Storage():
                self.save(value.pid)
                self.write(pickle.BINPERSID)
            case _:
                super().save(value, save_persistent_id)


def pickled(value: Any) -> bytes:
    """Return one pickle of protocol 2."""
    file = io.BytesIO()
    Writer(file, protocol=2).dump(value)
    return file.getvalue()


def tensor(
    array: np.ndarray, key: str, *, tail: tuple[None, ...] = (), **changes: Any
) -> Call:
    """Return the description of a tensor, right but for `changes`."""
    kind = {"f": "torch.FloatStorage", "i": "torch.LongStorage"}[array.dtype.kind]
    pid = ("storage", Named(kind), key, "cpu", changes.get("length", array.size))
    strides = tuple(step // array.itemsize for step in array.strides)
    return Call(
        "torch._utils._rebuild_tensor_v2",
        Storage(*changes.get("pid", (*pid, *tail))),
        changes.get("offset", 0),
        changes.get("shape", array.shape),
        changes.get("strides", strides),
        False,
        OrderedDict(),
    )


def described(state: Arrays, **changes: Any) -> Any:
    """Return the dictionary that a file with these arrays pickles."""
    return OrderedDict(
        (name, tensor(array, str(number), **changes))
        for number, (name, array) in enumerate(state.items())
    )


def legacy(
    state: Arrays, views: Any = None, *, magic: int = MAGIC, little: bool = True
) -> bytes:
    """Return a file as torch.save wrote it before version 1.6."""
    views = described(state, tail=(None,)) if views is None else views
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {}}
    keys = [str(number) for number in range(len(state))]
    head = b"".join(map(pickled, (magic, 1001, system, views, keys)))
    return head + b"".join(
        struct.pack("<q", array.size) + array.tobytes() for array in state.values()
    )


def zipped(state: Arrays, views: Any = None, *, method: int = 0) -> bytes:
    """Return a file as torch.save writes it today."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        views = described(state) if views is None else views
        archive.writestr("model/data.pkl", pickled(views))
        for number, array in enumerate(state.values()):
            archive.writestr(f"model/data/{number}", array.tobytes())
    return file.getvalue()


WRITERS = pytest.mark.parametrize("write", [legacy, zipped])
ONE = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3)}


@WRITERS
@given(state=STATES)
def test_what_was_written_is_read(write: Any, state: Arrays) -> None:
    """Names, types, shapes and values come back from both formats."""
    read = read_state_dict(write(state))
    assert list(read) == list(state)
    for name, array in state.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


@WRITERS
def test_strides_and_offset_are_followed(write: Any) -> None:
    """A transposed tensor that starts inside its storage is read so."""
    views = described(ONE, offset=1, shape=(2, 2), strides=(1, 3))
    read = read_state_dict(write(ONE, views))["weight"]
    np.testing.assert_array_equal(read, [[1, 4], [2, 5]])


@WRITERS
@pytest.mark.parametrize(
    "name", ["os.system", "posix.system", "builtins.eval", "torch.load", "sys.exit"]
)
def test_every_other_name_is_refused(
    write: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle that calls anything besides the rebuilding of a tensor runs nothing."""
    ran: list[Any] = []
    monkeypatch.setattr(os, "system", ran.append)
    monkeypatch.setattr(builtins, "eval", ran.append)
    with pytest.raises(CorruptFile, match=f"{name} is not admitted"):
        read_state_dict(write(ONE, {"weight": Call(name, "1")}))
    assert not ran


@WRITERS
@pytest.mark.parametrize(
    "changes",
    [
        {"length": 2**60},
        {"length": -1},
        {"shape": (2**40, 2**20), "strides": (0, 0)},
        {"shape": (-2, 3)},
        {"shape": (2, 4)},
        {"shape": (2, 4), "strides": (0, 0)},
        {"shape": (2.0, 3)},
        {"strides": (3, 2**62)},
        {"strides": (-3, 1)},
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**70},
        {"pid": ("module", Named("torch.FloatStorage"), "0", "cpu", 6)},
        {"pid": ("storage", "|O", "0", "cpu", 6)},
        {"pid": ("storage", "<i4", "0", "cpu", 6)},
        {"pid": ("storage", Named("torch.FloatStorage"), "0", "cpu", 6, (0, 9))},
        {"pid": ()},
    ],
)
def test_sizes_beyond_the_file_are_refused(write: Any, changes: dict[str, Any]) -> None:
    """Lengths, shapes, strides and offsets are checked before memory is taken."""
    with pytest.raises(CorruptFile):
        read_state_dict(write(ONE, described(ONE, **changes)))


@WRITERS
@pytest.mark.parametrize(
    "views",
    [
        [],
        "text",
        {1: tensor(ONE["weight"], "0")},
        {"weight": 1},
        {"weight": Call("torch._utils._rebuild_tensor_v2", 1, 0, (), ())},
    ],
)
def test_what_is_no_dictionary_of_tensors_is_refused(write: Any, views: Any) -> None:
    """Only text maps to tensors, and only tensors are mapped to."""
    with pytest.raises(CorruptFile):
        read_state_dict(write(ONE, views))


@WRITERS
def test_a_truncated_file_is_refused(write: Any) -> None:
    """However short the part is, no array comes out of it."""
    data = write(ONE)
    for end in range(len(data)):
        with pytest.raises(CorruptFile):
            read_state_dict(data[:end])


@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Noise is never read, and never raises anything else."""
    with pytest.raises(CorruptFile):
        read_state_dict(data)


def test_a_memo_index_takes_no_memory() -> None:
    """An index of two billion would make the unpickler allocate gigabytes."""
    bomb = b"\x80\x02]r\xff\xff\xff\x7f."
    with pytest.raises(CorruptFile, match="memo index"):
        read_state_dict(bomb)


@pytest.mark.parametrize("changes", [{"magic": MAGIC + 1}, {"little": False}])
def test_another_magic_or_byte_order_is_refused(changes: dict[str, Any]) -> None:
    """The legacy format tells what it is and its byte order; only one is read."""
    with pytest.raises(CorruptFile, match="little-endian"):
        read_state_dict(legacy(ONE, **changes))


@WRITERS
def test_many_views_of_one_storage_are_refused(write: Any) -> None:
    """Each would be a copy: a small file could take any memory."""
    array = np.zeros(2000, np.float32)
    views = OrderedDict((str(n), tensor(array, "0", tail=(None,))) for n in range(100))
    views["less"] = tensor(array, "0", tail=(None,), shape=(-200_000,), strides=(1,))
    with pytest.raises(CorruptFile, match="more bytes than the file"):
        read_state_dict(write({"0": array}, views))


def test_a_compressed_archive_is_refused() -> None:
    """PyTorch stores its members as they are; a packed one may be a bomb."""
    with pytest.raises(CorruptFile, match="compressed"):
        read_state_dict(zipped(ONE, method=zipfile.ZIP_DEFLATED))


def test_convolutions_and_norms_take_the_layout_of_keras() -> None:
    """Kernels end with their channels, depthwise ones with a multiplier of 1."""
    full = np.arange(24, dtype=np.float32).reshape(4, 3, 1, 2)
    depthwise = np.arange(8, dtype=np.float32).reshape(4, 1, 1, 2)
    norm = np.arange(16, dtype=np.float32).reshape(4, 4)
    parts = ("weight", "bias", "running_mean", "running_var")
    state = {"0.weight": full, "1.weight": depthwise}
    state |= {f"2.{part}": row for part, row in zip(parts, norm, strict=True)}
    arrays = keras_arrays(state, {"conv": "0", "dw": "1", "bn": "2"})
    assert arrays["conv/kernel"].shape == (1, 2, 3, 4)
    assert arrays["conv/kernel"][0, 1, 2, 3] == full[3, 2, 0, 1]
    assert arrays["dw/kernel"].shape == (1, 2, 4, 1)
    assert arrays["dw/kernel"][0, 1, 2, 0] == depthwise[2, 0, 0, 1]
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    for name, row in zip(names, norm, strict=True):
        np.testing.assert_array_equal(arrays[f"bn/{name}"], row)
    assert len(arrays) == 6
