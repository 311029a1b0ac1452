"""What stands beside exported files: how they take images, and their digests."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cifarkit import _store
from cifarkit._errors import CorruptFile
from cifarkit._types import Json

CARD = "export.json"
"""The file beside exported models that says how they take images."""

CLASSES = "classes.json"
"""The file beside a model that names its classes: a JSON list, in label order."""

_LARGEST = 2**20  # bytes of a card or a list of names that is read


@dataclass(frozen=True)
class Card:
    """What an exported file does not say of itself.

    Args:
        size: height and width at which the network sees images, in pixels.
        fixed: whether it takes images of that size alone.
        digests: the SHA-256 of each file, by its path in the folder.
        about: what else is known of it, as JSON values; nothing depends on it.
    """

    size: tuple[int, int]
    fixed: bool
    digests: Mapping[str, str]
    about: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole = [type(side) is int and 0 < side <= 2**16 for side in self.size]
        texts = [type(text) is str for pair in self.digests.items() for text in pair]
        if len(whole) != 2 or not all(whole + texts) or type(self.fixed) is not bool:
            raise ValueError("its values are of other kinds")

    def write(self, folder: Path) -> None:
        """Put it into the folder of the files."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        _store.write_text(folder / CARD, text)

    @classmethod
    def read(cls, folder: Path) -> "Card":
        """Return what `write` put into a folder.

        Raises:
            CorruptFile: there is none, or it is another file.
        """
        try:
            values = small_json(folder / CARD)
            return cls(**{**values, "size": tuple(values["size"])})
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptFile(
                f"Expected {CARD} of cifarkit.exporting beside the exported model in "
                f"{folder}; received none that can be read ({error}). Keep the files "
                "of one export together, or export again."
            ) from error

    def check(self, path: Path) -> None:
        """Compare a file, or all files of a folder, with the digests.

        Raises:
            CorruptFile: a file was changed, or is not of this export.
        """
        root = path.parent
        own = [name for name in self.digests if name.split("/")[0] == path.name]
        for each in {*files_of(path), *(root / name for name in own)}:
            name = each.relative_to(root).as_posix()
            if not each.is_file() or _store.sha256(each) != self.digests.get(name):
                raise CorruptFile(
                    f"Expected {each} as it was exported; received none, or other "
                    f"bytes than {CARD} promises. Copy or export the files again."
                )


def files_of(path: Path) -> list[Path]:
    """Return a file, with the weights beside it, or all files below a folder."""
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if not each.is_dir())
    weights = path.with_suffix(".bin")
    return [path, weights] if path.suffix == ".xml" else [path]


def small_json(path: Path) -> Any:
    """Return what a small JSON file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large, or no JSON.
    """
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name} is too large")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
