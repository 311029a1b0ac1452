"""The ten-minute tour, by the clock: installed in a fresh environment, then typed in.

python scripts/newcomer/tour.py --json docs/results/tour.json

Data and weights are in the store before, so that no download is timed. The page's
photographs are the shapes of examples/own_images.py.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import elsewhere, options, tell  # noqa: E402

PAGE = ROOT / "docs" / "tour.md"
EXTRAS = "openvino,viz,export"
INSIDE = """
import contextlib, json, sys, time
seconds, namespace = [], {}
for block in json.load(open("blocks.json")):
    began = time.perf_counter()
    exec(compile(block, "tour.md", "exec"), namespace)
    seconds.append(time.perf_counter() - began)
accuracy = namespace["evaluation"].accuracy
json.dump({"seconds": seconds, "test_accuracy": accuracy}, open("told.json", "w"))
"""


def main():
    """Install, draw, type everything in, and tell how long each part took."""
    given = options(__doc__)
    blocks = list(steps(PAGE))
    subprocess.run(
        [sys.executable, "-m", "cifarkit", "fetch", *("cifar10", "mobilenetv2")],
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="tour-") as name:
        folder = Path(name)
        python, installed = installation(folder)
        drawing = [python, ROOT / "examples" / "own_images.py", "--draw", "photos"]
        subprocess.run(drawing, cwd=folder, check=True)
        texts = [text for _, text in blocks]
        (folder / "blocks.json").write_text(json.dumps(texts))
        began = time.perf_counter()
        subprocess.run([python, "-c", INSIDE], cwd=folder, check=True)
        typed = time.perf_counter() - began
        told = json.loads((folder / "told.json").read_text())
        about = elsewhere(python)
    parts = {title: 0.0 for title, _ in blocks}
    for (title, _), seconds in zip(blocks, told["seconds"], strict=True):
        parts[title] += seconds
    figures = {
        **about,
        "install_s": installed,
        "steps_s": parts,
        "total_s": installed + typed,
        "test_accuracy": told["test_accuracy"],
    }
    tell(figures, given.json)
    assert figures["total_s"] <= 600, "the tour takes more than ten minutes"


def steps(page):
    """Yield each block of Python with the heading that it stands under."""
    document = Document.parse(str(page), PythonCodeBlockParser())
    for start, region in document.regions:
        above = document.text[:start].rpartition("\n## ")[2]
        yield above.partition("\n")[0], str(region.parsed)


def installation(folder):
    """Make an environment with the package; return its Python, and the seconds."""
    began = time.perf_counter()
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    what = f"{ROOT}[{EXTRAS}]"
    subprocess.run([python, "-m", "pip", "install", "-q", what], check=True)
    return python, time.perf_counter() - began


if __name__ == "__main__":
    main()
