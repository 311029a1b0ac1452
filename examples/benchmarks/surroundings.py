"""Where and when figures were made."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import keras

from cifarkit import models

PACKAGES = (
    *("cifarkit", "keras", "jax", "numpy", "openvino", "torch"),
    *("tensorflow", "tensorflow-cpu"),
)


def surroundings():
    """Return `machine`, `device`, `versions` and `when` of this process."""
    return {
        "machine": machine(),
        "device": ", ".join(models.devices()),
        "versions": {
            "python": platform.python_version(),
            "backend": keras.backend.backend(),
            **{name: found for name in PACKAGES if (found := _version(name))},
        },
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine():
    """Return the system, the cores, and the processor's name where Linux tells it."""
    cores = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return ",".join([cores, *names[:1]])


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None
