"""Where a result comes from: versions, machine, device, as JSON values."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

from cifarkit import models
from cifarkit._types import Json

_PACKAGES = (
    *("cifarkit", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch"),
    *("numpy", "openvino"),
)


def surroundings() -> Json:
    """Return `versions`, `machine`, `device` and `when` of this process."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": _machine(),
        "device": models.with_cards(", ".join(models.devices())),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _machine() -> str:
    cores = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{cores}, {processor}" if (processor := _processor()) else cores


def _processor() -> str | None:
    """Return the processor's name, which Python tells of on few systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, "").strip() or None


def _versions() -> dict[str, Any]:
    found = {"backend": keras.backend.backend()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
