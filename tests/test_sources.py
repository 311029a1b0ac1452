"""The chain of sources: order, digests, one error, one fetch for many processes."""

import multiprocessing
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifarkit import _store
from cifarkit._errors import SourceError
from cifarkit._sources import (
    Address,
    ArraySet,
    KerasCache,
    NpmPackage,
    Origin,
    Source,
    Wheel,
    fingerprint,
    load,
)

GOOD = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.ones(2, np.float32)}


@dataclass(frozen=True)
class Local(Source):
    """A source that writes a line to a log and gives a file."""

    log: str
    fault: str = ""

    @property
    def label(self):
        return f"local {Path(self.log).name}"

    def fetch(self, folder):
        with open(self.log, "a") as file:
            file.write("fetched\n")
        if self.fault:
            raise SourceError(self.fault)
        return folder


def good(_):
    """Decode the right arrays."""
    return GOOD


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store of this test's own."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    return tmp_path / "store"


def wanted(tmp_path, *origins):
    """Return an array set whose right content is GOOD."""
    return ArraySet("set", fingerprint(GOOD), origins)


def lines(path):
    """Return how often a source was asked."""
    return len(Path(path).read_text().splitlines()) if Path(path).exists() else 0


def test_the_first_good_origin_answers_and_the_store_keeps_it(store, tmp_path):
    """A failing origin is passed over; the second load asks nobody."""
    bad, log = str(tmp_path / "bad"), str(tmp_path / "log")
    asked = wanted(
        tmp_path, Origin(Local(bad, "not there"), good), Origin(Local(log), good)
    )
    first, second = load(asked), load(asked)
    assert first.source == second.source == "local log"
    assert first.digest == second.digest == fingerprint(GOOD)
    assert all(np.array_equal(second.arrays[name], GOOD[name]) for name in GOOD)
    assert (lines(bad), lines(log)) == (1, 1)


def test_wrong_content_is_never_kept(store, tmp_path):
    """Arrays with another digest are refused, and every try stands in the error."""
    log = str(tmp_path / "log")
    wrong = {**GOOD, "b": np.zeros(2, np.float32)}
    asked = wanted(
        tmp_path,
        Origin(Local(log), lambda _: wrong),
        Origin(Local(str(tmp_path / "other"), "no network"), good),
    )
    with pytest.raises(SourceError) as caught:
        load(asked)
    text = str(caught.value)
    assert "local log: the arrays have digest" in text
    assert "local other: no network" in text
    assert "python -m cifarkit fetch set" in text
    assert _store.files() == []


def test_a_damaged_file_in_the_store_is_fetched_again(store, tmp_path):
    """One flipped byte is seen, and the right content comes back."""
    log = str(tmp_path / "log")
    asked = wanted(tmp_path, Origin(Local(log), good))
    load(asked)
    (path, size), *_ = _store.files()
    for position in (40, size // 3, size // 2, size - 30):
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        path.write_bytes(content)
        assert np.array_equal(load(asked).arrays["a"], GOOD["a"])
    path.write_bytes(path.read_bytes()[: size // 2])
    assert np.array_equal(load(asked).arrays["a"], GOOD["a"])


def _load(log):
    arrays = load(
        ArraySet("set", fingerprint(GOOD), (Origin(Local(log), good),))
    ).arrays
    assert np.array_equal(arrays["a"], GOOD["a"])


def test_many_processes_fetch_once(store, tmp_path):
    """Four processes at once: one fetches, the others read what it kept."""
    log = str(tmp_path / "log")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_load, args=(log,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert lines(log) == 1


def test_offline_forbids_every_download(store, tmp_path, monkeypatch):
    """CIFARKIT_OFFLINE=1 stops addresses and clients before they start."""
    monkeypatch.setenv("CIFARKIT_OFFLINE", "yes")
    sources = [
        Address("https://example.invalid/file", sha256="0"),
        Wheel("name", "1", sha256="0", size=1, licence="MIT"),
        NpmPackage("name", "1", sha256="0", size=1, licence="MIT"),
    ]
    asked = wanted(tmp_path, *(Origin(source, good) for source in sources))
    with pytest.raises(SourceError) as caught:
        load(asked)
    assert str(caught.value).count("CIFARKIT_OFFLINE=yes forbids") == 3


def test_a_decoder_that_fails_is_one_failed_try(store, tmp_path):
    """Whatever a decoder raises, the next origin is asked."""

    def broken(_):
        raise IndexError("not what it should be")

    source = Local(str(tmp_path / "log"))
    asked = wanted(tmp_path, Origin(source, broken), Origin(source, good))
    assert np.array_equal(load(asked).arrays["a"], GOOD["a"])


def test_a_relative_home_is_made_absolute(tmp_path, monkeypatch):
    """Clients that run in another folder still find the store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFARKIT_HOME", "here")
    assert _store.root() == tmp_path / "here"


def test_only_https_is_fetched(store, tmp_path):
    """A plain http address, and with it a redirection to one, is refused."""
    with pytest.raises(SourceError, match="https"):
        Address("http://localhost/file", sha256="0").fetch(tmp_path)


def test_the_keras_cache_gives_only_whole_files(tmp_path, monkeypatch):
    """A file there with another digest, or none, is a reason and not a file."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    path = tmp_path / "datasets" / "x.bin"
    source = KerasCache("x.bin", folder="datasets", sha256="0" * 64)
    with pytest.raises(SourceError, match="no such file"):
        source.fetch(tmp_path)
    path.write_bytes(b"half")
    with pytest.raises(SourceError, match="expected sha256 0000"):
        source.fetch(tmp_path)
    right = KerasCache("x.bin", folder="datasets", sha256=_store.sha256(path))
    assert right.fetch(tmp_path) == path


def test_a_set_without_a_known_digest_still_detects_damage(store, tmp_path):
    """The digest recorded at the fetch guards the kept file."""
    asked = ArraySet("any", "", (Origin(Local(str(tmp_path / "log")), good),))
    load(asked)
    (path, _), *_ = _store.files()
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files}
    np.savez(path, **{**kept, "a": kept["a"] + 1})
    assert np.array_equal(load(asked).arrays["a"], GOOD["a"])
    assert lines(tmp_path / "log") == 2


def test_what_a_killed_fetch_left_is_never_read(store, tmp_path):
    """Litter of an interrupted fetch is swept before the next one."""
    litter = _store.folder("fetching") / "set" / "half.whl"
    litter.parent.mkdir()
    litter.write_bytes(b"half")
    seen = []
    asked = wanted(
        tmp_path,
        Origin(
            Local(str(tmp_path / "log")), lambda at: seen.extend(at.iterdir()) or GOOD
        ),
    )
    load(asked)
    assert seen == []
    assert not litter.exists()


ARRAYS = st.dictionaries(
    st.text("xyz", min_size=1, max_size=3),
    hnp.arrays(np.uint8, hnp.array_shapes(max_dims=3, max_side=4, min_side=0)),
    min_size=1,
    max_size=3,
)


@given(ARRAYS, st.data())
def test_a_fingerprint_sees_every_change(arrays, data):
    """A changed byte, name, type or shape gives another digest; a copy the same."""
    name = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays[name]
    copy = {key: np.asfortranarray(value) for key, value in arrays.items()}
    assert fingerprint(copy) == fingerprint(arrays)
    changes = [{**arrays, name: array.astype(np.int16)}, {**arrays, "new": array}]
    changes.append({**arrays, name: array[None]})
    if array.size:
        changed = array.copy()
        changed.flat[data.draw(st.integers(0, array.size - 1))] ^= 1
        changes.append({**arrays, name: changed})
    assert fingerprint(arrays) not in [fingerprint(each) for each in changes]


def test_the_kept_file_is_read_without_pickle(store, tmp_path):
    """An object array planted in the store is refused, not unpickled."""
    asked = wanted(tmp_path, Origin(Local(str(tmp_path / "log")), good))
    load(asked)
    (path, _), *_ = _store.files()
    np.savez(path, a=np.array([{}], dtype=object))
    assert zipfile.is_zipfile(path)
    assert np.array_equal(load(asked).arrays["a"], GOOD["a"])
