"""Folders of image files: what is read, in what order, and what is refused."""

import os
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from cifarkit import images
from cifarkit._errors import InvalidArgument, InvalidData, InvalidImage
from cifarkit.datasets import from_folder
from cifarkit.images import _decode

COLOURS = {"blue": (0, 0, 255), "green": (0, 128, 0), "red": (255, 0, 0)}
SUFFIXES = ("png", "bmp", "gif", "webp", "jpg")


@pytest.fixture
def folder(tmp_path):
    """Three classes of five images in five formats, each of other sides."""
    for name in reversed(COLOURS):
        (tmp_path / name).mkdir()
        for number, suffix in enumerate(SUFFIXES):
            image = Image.new("RGB", (8 + number, 20 - number), name)
            image.save(tmp_path / name / f"{number}.{suffix}")
    return tmp_path


def test_images_of_all_formats_and_sides_become_one_array(folder):
    """Every image is resized to the size asked for, and keeps its class."""
    parts = from_folder(folder, size=16, validation=0.2, test=0.2)
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [9, 3, 3]
    assert parts.train.images.shape == (9, 16, 16, 3)
    assert parts.train.class_names == ("blue", "green", "red")
    for part in (parts.train, parts.validation, parts.test):
        expected = np.array(list(COLOURS.values()))[part.labels]
        found = part.images[:, 8, 8].astype(int)
        assert np.abs(found - expected).max() <= 6  # JPEG and WEBP are not exact
    assert str(folder) in parts.source


def test_images_are_held_once(folder):
    """Decoded into their parts: another copy of all would double what is needed."""
    tracemalloc.start()
    data = from_folder(folder, size=512, validation=0.2, test=0.2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = sum(each.images.nbytes for each in (data.train, data.validation, data.test))
    assert peak < 1.5 * held


def test_the_order_is_that_of_the_names(folder):
    """Two reads are equal, and images lie in the order of classes and file names."""
    first, again = (from_folder(folder, size=8, validation=0, test=0) for _ in range(2))
    assert first.train.digest == again.train.digest
    assert first.train.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5


def test_hidden_names_are_passed_over(folder):
    """What a file manager leaves behind is no image and no class."""
    (folder / ".cache").mkdir()
    (folder / "red" / ".DS_Store").write_bytes(b"not an image")
    assert len(from_folder(folder, size=8, validation=0, test=0).train) == 15


def test_a_broken_file_is_named(folder):
    """Among thousands of files, the error says which one."""
    (folder / "green" / "3.webp").write_bytes(b"not an image")
    with pytest.raises(InvalidImage, match=r"green/3\.webp"):
        from_folder(folder, size=8)


def test_a_file_beside_the_classes_is_refused(folder):
    """A stray file is named, not passed over."""
    (folder / "labels.csv").touch()
    with pytest.raises(InvalidData, match=r"the file .*labels\.csv"):
        from_folder(folder, size=8)


def test_a_folder_inside_a_class_is_refused(folder):
    """A level too much is named, so that train/cat is not taken for a class."""
    (folder / "red" / "more").mkdir()
    with pytest.raises(InvalidData, match=r"the folder .*red/more"):
        from_folder(folder, size=8)


def test_a_link_to_nothing_is_called_so(folder):
    """Of data that are under version control and not fetched yet."""
    (folder / "red" / "a.png").symlink_to(folder / "annex" / "a.png")
    with pytest.raises(InvalidData, match=r"the link to nothing .*red/a\.png"):
        from_folder(folder, size=8)


def test_the_home_folder_may_be_meant(folder, monkeypatch):
    """As in the shell."""
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(from_folder(f"~/{folder.name}", size=8).train) > 0


def test_of_what_is_no_image_little_is_read(folder, monkeypatch):
    """A film may be larger than the memory."""
    film = folder / "red" / "film"
    for begins in (bytes(16), b"RIFF\0\0\0\0AVI LIST"):
        film.write_bytes(begins + bytes(100_000))
        assert _decode._read(film) == begins
    with pytest.raises(InvalidImage, match="red/film"):
        from_folder(folder, size=8)
    film.unlink()
    os.mkfifo(film)
    with pytest.raises(InvalidImage, match="no regular file"):
        images.decode(film)


def test_an_empty_class_is_refused(folder):
    """A class without images is named."""
    (folder / "white").mkdir()
    with pytest.raises(InvalidData, match="white; received an empty folder"):
        from_folder(folder, size=8)


def test_an_empty_folder_is_refused(tmp_path):
    """A folder without classes is no data set."""
    with pytest.raises(InvalidData, match="received an empty folder"):
        from_folder(tmp_path, size=8)


def test_a_missing_folder_is_refused(tmp_path):
    """A path that is wrong is named."""
    with pytest.raises(InvalidData, match="nowhere: No such file"):
        from_folder(tmp_path / "nowhere", size=8)


def test_a_size_is_checked_before_a_file_is_read(tmp_path):
    """A wrong size does not cost the reading of a folder."""
    with pytest.raises(InvalidArgument, match="size"):
        from_folder(tmp_path / "nowhere", size=0)


@pytest.mark.parametrize("wrong", [{"validation": 10}, {"seed": -1}, {"test": 0.99}])
def test_the_division_is_checked_before_a_file_is_decoded(folder, wrong, monkeypatch):
    """A hundred thousand files would be decoded in vain."""
    monkeypatch.setattr("cifarkit.images.decode", lambda *_: pytest.fail("decoded"))
    with pytest.raises((InvalidArgument, InvalidData), match="Expected"):
        from_folder(folder, size=16, **wrong)
