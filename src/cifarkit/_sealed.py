"""Small JSON files that show when a byte of them was changed.

The first line is the SHA-256 of the rest. It tells damage, not intent: whoever can
write the file can write another digest.
"""

import hashlib
import json
from pathlib import Path

from cifarkit import _store
from cifarkit._errors import CorruptFile
from cifarkit._types import Json

LARGEST = 64 * 2**20
"""Bytes that a sealed file may have; more are not read."""


def write(path: Path, value: Json) -> None:
    """Write JSON values so that `path` holds the old content or the new, whole.

    Raises:
        OSError: the file cannot be written; what was there is unchanged.
    """
    text = json.dumps(value, indent=1) + "\n"
    _store.write_text(path, f"{_digest(text.encode())}\n{text}")


def read(path: Path) -> Json:
    """Return what `write` wrote.

    Raises:
        CorruptFile: the file is not there, or not as it was written.
        OSError: it cannot be read now.
    """
    try:
        with path.open("rb") as file:
            digest, _, text = file.read(LARGEST).partition(b"\n")
        if digest != _digest(text).encode():
            raise ValueError("its digest is another")
        value: Json = json.loads(text)
    except (FileNotFoundError, ValueError, RecursionError) as error:
        raise CorruptFile(
            f"Expected {path} as cifarkit wrote it; it cannot be used ({error})."
        ) from error
    return value


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
