"""Where a result comes from: versions, machine, device, as JSON values."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import keras

from cifarkit._types import Json

_PACKAGES = (
    *("cifarkit", "keras", "tensorflow", "tensorflow-cpu", "jax", "numpy"),
    "openvino",
)


def surroundings() -> Json:
    """Return `versions`, `machine`, `device` and `when` of this process."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": _device(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, Any]:
    found = {"backend": keras.backend.backend()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _device() -> str:
    devices = keras.distribution.list_devices()
    return ", ".join(str(each) for each in devices)
