"""Sources that are one file: in the Keras cache, or at its official address."""

import http.client
import logging
import os
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from cifarkit import _store
from cifarkit._errors import SourceError

_CONNECT_SECONDS = 10
_TRIES = 2
_CHUNK = 2**20
_PATIENCE = 30
"""Seconds after which a download must have been faster than `_SLOWEST` on average."""
_SLOWEST = 2**12  # bytes per second
_LARGEST = 2 * 2**30
_log = logging.getLogger(__name__)


class Source(ABC):
    """A place that may hold one wanted file."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What errors and provenance call this source."""

    @abstractmethod
    def fetch(self, folder: Path) -> Path:
        """Return the verified file, put into `folder` if it is not on this machine.

        Raises:
            SourceError: the reason why this source cannot give the file.
        """


@dataclass(frozen=True)
class Digest:
    """The digest that a file must have; none where its publisher gives none."""

    sha256: str = ""
    md5: str = ""

    def check(self, path: Path) -> None:
        """Raise SourceError if the file's bytes have another digest."""
        if not (self.sha256 or self.md5):
            return
        algorithm, expected = (
            ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)
        )
        received = _store.digest(path, algorithm)
        if received != expected:
            raise SourceError(
                f"{path.name}: expected {algorithm} {expected}, received {received}"
            )


@dataclass(frozen=True)
class KerasCache(Source):
    """A file that Keras has downloaded before (under `KERAS_HOME` or `~/.keras`).

    Args:
        file: the file's name there.
        folder: the sub-folder, `"datasets"` or `"models"`.
        sha256: the digest of the file, or
        md5: the digest of the file where only that one is published. Some have none.
    """

    file: str
    folder: str
    sha256: str = ""
    md5: str = ""

    @property
    def label(self) -> str:
        """The place in the Keras cache."""
        return f"Keras cache {self.folder}/{self.file}"

    def fetch(self, folder: Path) -> Path:
        """Return the file where it lies, if it is there and whole."""
        home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
        path = home / self.folder / self.file
        if not path.is_file():
            raise SourceError("no such file")
        Digest(self.sha256, self.md5).check(path)
        return path


@dataclass(frozen=True)
class Address(Source):
    """A file at its official https address.

    Args:
        url: the address; https only, redirections too.
        sha256: the digest of the file, or
        md5: the digest of the file where only that one is published. Some have none.
    """

    url: str
    sha256: str = ""
    md5: str = ""

    @property
    def label(self) -> str:
        """The address."""
        return self.url

    def fetch(self, folder: Path) -> Path:
        """Download the file with a progress bar, and check it."""
        refuse_offline()
        path = folder / self.url.rsplit("/", 1)[-1]
        for remaining in reversed(range(_TRIES)):
            try:
                _download(self.url, path)
                break
            except (http.client.HTTPException, OSError) as error:
                if not remaining or isinstance(error, urllib.error.HTTPError):
                    raise SourceError(f"could not be downloaded ({error})") from error
                _log.info("%s: %s; trying once more.", self.url, error)
        Digest(self.sha256, self.md5).check(path)
        return path


def refuse_offline() -> None:
    """Raise SourceError if the user forbids downloads."""
    value = os.environ.get("CIFARKIT_OFFLINE", "")
    if value.lower() not in ("", "0", "false", "no"):
        raise SourceError(f"CIFARKIT_OFFLINE={value} forbids downloads")


def _download(url: str, path: Path) -> None:
    _https_only(url)
    request = urllib.request.Request(url, headers={"User-Agent": "cifarkit"})  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=_CONNECT_SECONDS) as answer:  # noqa: S310
        _https_only(answer.url)
        size = int(answer.headers.get("Content-Length") or 0)
        with path.open("wb") as file, _bar(path.name, size) as bar:
            began = time.monotonic()
            while chunk := answer.read1(_CHUNK):  # what has come, without waiting
                file.write(chunk)
                bar.update(len(chunk))
                _check_progress(file.tell(), time.monotonic() - began)
            if size and file.tell() != size:
                raise OSError(f"ended after {file.tell()} of {size} bytes")


def _check_progress(received: int, seconds: float) -> None:
    if received > _LARGEST:
        raise OSError(f"larger than {_LARGEST} bytes")
    if seconds > _PATIENCE and received < _SLOWEST * seconds:
        raise OSError(f"only {received} bytes in {seconds:.0f} seconds")


def _bar(name: str, size: int) -> tqdm:
    """Return a progress bar, which shows on a terminal alone."""
    return tqdm(total=size or None, unit="B", unit_scale=True, desc=name, disable=None)


def _https_only(url: str) -> None:
    if not url.startswith("https://"):
        raise OSError(f"expected an https address, received {url}")
