"""CIFAR's file formats: the same arrays from each, and nothing from a hostile file."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifarkit._errors import CorruptFile
from cifarkit.datasets import _archive, _sheets
from cifarkit.datasets._pickles import unpickle
from cifarkit.datasets._records import Records

RECORDS = Records(
    train=("data_1", "data_2"),
    test="test",
    labels="fine",
    label_bytes=2,
    places=("batches-py", "batches.tar.gz"),
)
RANDOM = np.random.default_rng(0)
BATCHES = {
    name: (
        RANDOM.integers(0, 256, (n, 3072), dtype=np.uint8),
        RANDOM.integers(0, 100, n, dtype=np.uint8),
    )
    for name, n in {"data_1": 4, "data_2": 3, "test": 2}.items()
}


def python_2_pickle(rows, labels):
    """The bytes that Python 2 and the NumPy of its day wrote for a batch."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    number = struct.Struct("<cI")
    shape = b"".join(number.pack(b"J", side) for side in rows.shape) + b"\x86"
    kind = b"cnumpy\ndtype\n" + text(b"u1") + b"K\0K\1\x87R(K\3" + text(b"|")
    kind += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    array += b"K\0\x85" + text(b"b") + b"\x87R(K\1" + shape + kind + b"\x89"
    array += number.pack(b"T", rows.size) + rows.tobytes() + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\2}(" + text(b"data") + array + text(b"fine") + numbers + b"u."


def binary(rows, labels):
    """Return a batch as binary records of two labels and the pixels."""
    coarse = np.full_like(labels, 7)
    return np.column_stack([coarse, labels, rows]).tobytes()


def write_tar(path, files):
    """Write an archive with a folder in it, as the published ones are."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"batches/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def pickles():
    """Return all batches as pickles."""
    return {name: python_2_pickle(*batch) for name, batch in BATCHES.items()}


def folder(path):
    """Write the pickles into a folder."""
    path.mkdir()
    for name, content in pickles().items():
        (path / name).write_bytes(content)
    (path / "readme.html").write_text("not a batch")
    return path


def binary_folder(path):
    """Write the binary records into a folder."""
    path.mkdir()
    for name, batch in BATCHES.items():
        (path / f"{name}.bin").write_bytes(binary(*batch))
    return path


def archive(path):
    """Write the pickles into an archive."""
    return write_tar(path, {"readme.html": b"", **pickles()})


def binary_archive(path):
    """Write the binary records into an archive."""
    files = {f"{name}.bin": binary(*batch) for name, batch in BATCHES.items()}
    return write_tar(path, files)


def folder_of_folders(path):
    """Write a folder that holds the folder of pickles."""
    path.mkdir()
    folder(path / "batches-py")
    return path


def folder_of_archives(path):
    """Write a folder that holds the archive of pickles."""
    path.mkdir()
    archive(path / "batches.tar.gz")
    return path


def expected():
    """Return the arrays that every form holds."""
    rows = np.concatenate([BATCHES["data_1"][0], BATCHES["data_2"][0]])
    return {
        "train_images": rows.reshape(7, 3, 32, 32).transpose(0, 2, 3, 1),
        "train_labels": np.concatenate([BATCHES["data_1"][1], BATCHES["data_2"][1]]),
        "test_images": BATCHES["test"][0].reshape(2, 3, 32, 32).transpose(0, 2, 3, 1),
        "test_labels": BATCHES["test"][1],
    }


def npz(path):
    """Write the arrays as `keras.datasets` gives them."""
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = dict(zip(names, expected().values(), strict=True))
    arrays["y_train"] = arrays["y_train"].astype(np.int64)[:, None]
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path.rename(path.with_suffix(".npz"))


def our_npz(path):
    """Write the arrays under our own names, compressed."""
    with path.open("wb") as file:
        np.savez_compressed(file, **expected())
    return path.rename(path.with_suffix(".npz"))


FORMS = [
    folder,
    binary_folder,
    archive,
    binary_archive,
    folder_of_folders,
    folder_of_archives,
    npz,
    our_npz,
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_arrays(tmp_path, form):
    """Pixels, labels, types and order do not depend on the form."""
    arrays = RECORDS.read(form(tmp_path / "data"))
    assert sorted(arrays) == sorted(expected())
    for name, array in expected().items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == np.uint8


def test_the_pickles_of_these_tests_are_numpys():
    """NumPy itself reads from them what our unpickler reads."""
    rows, labels = BATCHES["data_1"]
    data = python_2_pickle(rows, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy.core has moved since
        theirs = pickle.loads(data, encoding="latin1")
    ours = unpickle(data)
    np.testing.assert_array_equal(ours["data"], theirs["data"])
    assert ours["fine"] == theirs["fine"] == labels.tolist()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_of_today_are_read_where_they_hold_bytes(protocol, order):
    """A batch pickled again by a newer NumPy gives the same array, or is refused."""
    rows = np.asarray(BATCHES["data_1"][0], order=order)
    data = pickle.dumps({"data": rows}, protocol=protocol)
    if protocol == 2:  # holds a call of _codecs.encode
        with pytest.raises(pickle.UnpicklingError, match="refused: _codecs"):
            unpickle(data)
    else:
        np.testing.assert_array_equal(unpickle(data)["data"], rows)


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "call",
    [
        (print, "no"),
        (eval, "1"),
        (np.load, "file"),
        (np.dtype("O").__reduce__()[0], "O"),
    ],
)
def test_a_hostile_pickle_is_refused(tmp_path, capsys, call):
    """No function that a file names is called, and the file is named."""
    path = folder(tmp_path / "data")
    content = {"data": Hostile(*call), "fine": [1]}
    (path / "data_2").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(CorruptFile, match="data"):
        RECORDS.read(path)
    assert capsys.readouterr().out == ""


PLACES = st.integers(0, 135) | st.integers(-40, -1)  # the rest is pixels


@given(changes=st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=3))
def test_a_damaged_pickle_is_read_or_refused(tmp_path_factory, changes):
    """Whatever its bytes, a batch gives arrays or CorruptFile and nothing else."""
    path = tmp_path_factory.mktemp("damaged")
    for name, batch in BATCHES.items():
        data = bytearray(python_2_pickle(*batch))
        for place, value in changes:
            data[place] = value
        (path / name).write_bytes(data)
    try:
        arrays = RECORDS.read(path)
    except CorruptFile:
        return
    assert {each.dtype.kind for each in arrays.values()} <= {"u", "i"}


@pytest.mark.parametrize("form", [archive, npz])
@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_file_cut_short_is_refused(tmp_path, form, share):
    """Half a download is named, whichever library meets its end."""
    path = form(tmp_path / "data")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CorruptFile, match="data"):
        RECORDS.read(path)


def test_missing_batches_are_named(tmp_path):
    """The error says which files are not there."""
    path = folder(tmp_path / "data")
    (path / "data_2").unlink()
    with pytest.raises(CorruptFile, match="none named data_2"):
        RECORDS.read(path)


def test_labels_that_are_no_bytes_are_refused(tmp_path):
    """A label is never wrapped into the range."""
    arrays = expected()
    arrays["test_labels"] = arrays["test_labels"].astype(np.int64) + 256
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(CorruptFile, match="outside 0 to 255"):
        RECORDS.read(tmp_path / "data.npz")


def test_an_npz_of_objects_is_refused(tmp_path):
    """An object array would be a pickle."""
    arrays = expected()
    arrays["test_labels"] = np.array([1, "two"], dtype=object)
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(CorruptFile, match="holds objects"):
        RECORDS.read(tmp_path / "data.npz")


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    """An archive cannot fill the memory with what it says is a batch."""
    monkeypatch.setattr(_archive, "LARGEST", 1000)
    for form in (folder, archive):
        with pytest.raises(CorruptFile, match="at most 1,000 bytes"):
            RECORDS.read(form(tmp_path / form.__name__))


@pytest.mark.parametrize("size", [2**20, -1])
def test_a_name_without_end_is_refused(size, tmp_path):
    """Archives may say that a name follows; tar readers hold it in memory."""
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, size
    path = tmp_path / "cifar-10-python.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(head.tobuf(tarfile.GNU_FORMAT) + bytes(2**20))
    with pytest.raises(CorruptFile, match=r"at most|negative"):
        RECORDS.read(path)


def test_links_in_an_archive_are_passed_over(tmp_path):
    """A link with the name of a batch is not followed."""
    path = tmp_path / "data.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name in BATCHES:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            file.addfile(member)
    with pytest.raises(CorruptFile, match="none named data_1"):
        RECORDS.read(path)


def sheets(rows=2):
    """The npm package in small: sheets of a few rows."""
    images = RANDOM.integers(0, 256, (6, rows, 1024, 3), dtype=np.uint8)
    files = {}
    for name, sheet in zip((*_sheets._TRAIN, _sheets._TEST), images, strict=True):
        file = io.BytesIO()
        Image.fromarray(sheet).save(file, "PNG")
        files[name] = file.getvalue()
    files["train_lables.json"] = json.dumps([1] * 5 * rows).encode()
    files["test_lables.json"] = json.dumps([2] * rows).encode()
    return files, images.reshape(6 * rows, 32, 32, 3)


def test_sheets_are_read_row_by_row(tmp_path, monkeypatch):
    """Each row of a sheet is an image, and the sheets follow each other."""
    monkeypatch.setattr(_sheets, "_ROWS", 2)
    files, images = sheets()
    arrays = _sheets.read_sheets(write_tar(tmp_path / "sheets.tgz", files))
    np.testing.assert_array_equal(arrays["train_images"], images[:10])
    np.testing.assert_array_equal(arrays["test_images"], images[10:])
    assert arrays["train_labels"].tolist() == [1] * 10
    assert arrays["test_labels"].tolist() == [2] * 2


def test_a_sheet_of_another_size_is_refused(tmp_path):
    """A sheet is measured before it is cut into images."""
    path = write_tar(tmp_path / "sheets.tgz", sheets()[0])
    with pytest.raises(CorruptFile, match="10000 rows"):
        _sheets.read_sheets(path)


def test_a_missing_sheet_is_refused(tmp_path, monkeypatch):
    """A package without one of its files is named."""
    monkeypatch.setattr(_sheets, "_ROWS", 2)
    files, _ = sheets()
    del files["data_batch_3.png"]
    with pytest.raises(CorruptFile, match=r"sheets\.tgz"):
        _sheets.read_sheets(write_tar(tmp_path / "sheets.tgz", files))


def test_a_pickle_that_asks_for_much_memory_is_refused(tmp_path):
    """Eight bytes can make the unpickler allocate 32 GiB of places."""
    path = folder(tmp_path / "data")
    (path / "data_2").write_bytes(b"(dr\xff\xff\xff\x7f.")
    with pytest.raises(CorruptFile, match="memo index"):
        RECORDS.read(path)
