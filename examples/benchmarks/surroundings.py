"""Where and when figures were made."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import keras

PACKAGES = (
    *("cifarkit", "keras", "numpy", "openvino"),
    *("tensorflow", "tensorflow-cpu"),
)


def surroundings():
    """Return `machine`, `device`, `versions` and `when` of this process."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": ", ".join(map(str, keras.distribution.list_devices())),
        "versions": {
            "python": platform.python_version(),
            "backend": keras.backend.backend(),
            **{name: found for name in PACKAGES if (found := _version(name))},
        },
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None
