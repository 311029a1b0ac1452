"""A side's part of a benchmark, in a process of its own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(folder, side, *parts):
    """Let a side do the parts that are not there yet."""
    script = HERE / f"{side}_side.py"
    todo = [part for part in parts if not (folder / f"{side}.{part}.json").exists()]
    if todo:
        subprocess.run([sys.executable, script, folder, *todo], check=True)
