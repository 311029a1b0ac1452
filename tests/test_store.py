"""The store: whole files only, locks that end, oldest first."""

import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from cifarkit import _store
from cifarkit._errors import SourceError


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store of this test's own."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    return tmp_path / "store"


def test_a_failed_write_leaves_the_old_content(tmp_path):
    """An error while writing keeps the old file and leaves no part behind."""
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail(part):
        part.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        _store.write_atomic(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_content(tmp_path):
    """SIGKILL in the middle of a write never shows at the final path."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from cifarkit import _store\n"
        "def write(part):\n"
        "    part.write_text('ne'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "_store.write_atomic(Path(sys.argv[1]), write)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"


def test_an_unwritable_home_is_one_clear_error(tmp_path, monkeypatch):
    """A store that cannot be made says which variable to set."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "file"))
    with pytest.raises(SourceError, match="Set CIFARKIT_HOME"):
        _store.folder("arrays")


def test_pruning_takes_the_least_recently_used(store):
    """The oldest of the store's own files go first; what a user has there stays."""
    (store / "thesis.docx").parent.mkdir(parents=True)
    (store / "thesis.docx").write_bytes(bytes(1000))
    os.utime(store / "thesis.docx", (0, 0))
    for index, name in enumerate(["old.npz", "middle.npz", "new.npz"]):
        path = _store.folder("arrays") / name
        path.write_bytes(bytes(100))
        os.utime(path, (index, index))
    with _store.lock("anything"):
        assert _store.prune(150) == [
            store / "arrays" / "old.npz",
            store / "arrays" / "middle.npz",
        ]
    assert [path.name for path, _ in _store.files()] == ["new.npz"]
    assert (store / "thesis.docx").exists()


def _hold(event):
    with _store.lock("shared"):
        event.set()
        time.sleep(60)


def test_a_lock_dies_with_its_holder(store):
    """After a kill of the holder another process gets the lock at once."""
    context = multiprocessing.get_context("spawn")
    event = context.Event()
    holder = context.Process(target=_hold, args=(event,))
    holder.start()
    assert event.wait(30)
    holder.kill()
    holder.join()
    start = time.perf_counter()
    with _store.lock("shared"):
        assert time.perf_counter() - start < 2
