"""A folder of image files, one sub-folder per class, made into splits."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cifarkit import images
from cifarkit._errors import InvalidData
from cifarkit._types import Images
from cifarkit.datasets._checks import check_names, check_size
from cifarkit.datasets._divide import dealt
from cifarkit.datasets._splits import Split, Splits


def from_folder(
    path: str | os.PathLike[str],
    *,
    size: int,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
) -> Splits:
    """Return splits of the images in a folder that has one sub-folder per class.

    The classes are named after their folders, in alphabetical order. PNG, JPEG, WEBP,
    GIF and BMP files may be mixed, of any sides: each is decoded as
    `cifarkit.images.decode` says and resized to `size` by `size` at once, because a
    split is one array; its memory is then `3 * size * size` bytes per image, whatever
    the files hold. Names that begin with a dot are passed over.

    Args:
        path: the folder that holds the class folders.
        size: side in pixels, of the images in memory and as a network sees them.
        validation: fraction of each class to choose on, in [0, 1).
        test: fraction of each class to test on, in [0, 1).
        seed: of the division, not negative.

    Returns:
        Splits with every class in each part that is not empty.

    Raises:
        InvalidData: the folder has another layout, a class is empty or has too few
            images for the parts.
        InvalidImage: a file cannot be decoded; the text names it.
        InvalidArgument: a fraction, `size` or `seed` is out of range.

    Example:
        >>> from_folder("flowers", size=160)        # doctest: +SKIP
        Splits(train=2938, validation=366, test=366 images of 160 x 160, 5 classes, ...
    """
    check_size(size)
    place = Path(os.path.expanduser(path))
    files = {folder.name: _files(folder) for folder in _class_folders(place)}
    check_names(tuple(files))
    names, counts = tuple(files), [len(members) for members in files.values()]
    labels = np.repeat(np.arange(len(files), dtype=np.int64), counts)
    every = [file for members in files.values() for file in members]
    train, held_out, held_test = (
        Split(_decoded([every[row] for row in rows], size), labels[rows], names, size)
        for rows in dealt(names, labels, validation=validation, test=test, seed=seed)
    )
    return Splits(train, held_out, held_test, f"folder {path}")


def _class_folders(path: Path) -> list[Path]:
    folders = _visible(path)
    for entry, kind in folders.items():
        if kind != "folder":
            raise InvalidData(
                f"Expected one folder per class in {path}, and nothing beside them; "
                f"received the {kind} {entry}. Move it into a class folder, or away."
            )
    if not folders:
        raise InvalidData(
            f"Expected one folder per class in {path}; received an empty folder. "
            "Put the images of each class into a folder with its name."
        )
    return list(folders)


def _files(folder: Path) -> list[Path]:
    files = _visible(folder)
    for entry, kind in files.items():
        if kind != "file":
            raise InvalidData(
                f"Expected only image files in the class folder {folder}; received the "
                f"{kind} {entry}. Name the folder whose sub-folders are the classes."
            )
    if not files:
        raise InvalidData(
            f"Expected images in the class folder {folder}; received an empty folder. "
            "Add images of this class, or delete the folder."
        )
    return list(files)


def _visible(folder: Path) -> dict[Path, str]:
    """Return what a folder holds, and of which kind, in one order everywhere."""
    try:
        return {
            entry: _kind(entry)
            for entry in sorted(folder.iterdir())
            if not entry.name.startswith(".")
        }
    except (OSError, ValueError) as error:  # ValueError: no path could be so
        reason = getattr(error, "strerror", None) or error
        raise InvalidData(
            f"Expected a folder that can be read; received {folder}: {reason}. "
            "Check the path and its permissions."
        ) from error


def _kind(entry: Path) -> str:
    if entry.is_dir():
        return "folder"
    if entry.is_symlink() and not entry.exists():
        return "link to nothing"  # of DVC or git-annex, before its content is fetched
    return "file" if entry.is_file() else "special file"


def _decoded(files: list[Path], size: int) -> Images:
    pixels = np.empty((len(files), size, size, 3), dtype=np.uint8)

    def decode(position: int) -> None:
        image = images.decode(files[position])
        pixels[position] = images.resize(image, size)

    # Threads, because Pillow decodes without holding the interpreter's lock.
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(decode, range(len(files))):
            pass
    return pixels
