"""Optional packages are kept from reporting home."""

import os
import subprocess
import sys

import pytest


def test_openvino_reports_to_nobody():
    """Neither its import nor a conversion loads what would send data."""
    pytest.importorskip("openvino_telemetry")
    code = (
        "import sys; from cifarkit._extras import require\n"
        "vino = require('openvino', extra='openvino')\n"
        "import openvino.tools.ovc.convert_impl\n"
        "home = 'openvino_telemetry.'\n"
        "print([name for name in sys.modules if name.startswith(home)])"
    )
    environment = {key: each for key, each in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.strip() == "[]"
