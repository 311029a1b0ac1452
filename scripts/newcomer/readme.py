"""The README, as a stranger reads it: a clone, a new environment, every line typed in.

python scripts/newcomer/readme.py --json docs/results/readme.json

    --result FOLDER  takes a saved result in place of the five lines, which train for a
                     quarter of an hour, and leaves out what `make` does

`make test` is left to .ci/run, which types it in a new environment as well.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

from sybil.document import Document
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import elsewhere, parser, tell  # noqa: E402

README = str(ROOT / "README.md")
PATIENCE = 120  # seconds until the service answers


def main():
    """Type everything in, and tell how long each line took."""
    making = parser(__doc__)
    making.add_argument("--result", type=Path, help="a folder that `save` wrote")
    given = making.parse_args()
    lines = [line for line in written() if line[1] != "make test"]
    with tempfile.TemporaryDirectory(prefix="readme-") as name:
        clone = Path(name) / "cifarkit"
        subprocess.run(["git", "clone", "-q", str(ROOT), clone], check=True)
        venv.create(clone / ".venv", with_pip=True)
        if given.result:
            shutil.copytree(given.result, clone / "runs" / "mine")
            lines = [
                line for line in lines if line[0] == "sh" and "make" not in line[1]
            ]
        else:
            lines.insert(0, ("sh", "pip install -q -e ."))
        seconds = [
            {"line": text.splitlines()[0], "seconds": typed(kind, text, clone)}
            for kind, text in lines
        ]
        about = elsewhere(clone / ".venv" / "bin" / "python")
    tell({**about, "lines": seconds}, given.json)


def written():
    """Yield the blocks of Python whole, and the commands line by line."""
    blocks = [
        (start, kind, str(region.parsed))
        for kind in ("python", "sh")
        for start, region in Document.parse(README, CodeBlockParser(kind)).regions
    ]
    for _, kind, text in sorted(blocks):
        parts = [text] if kind == "python" else text.splitlines()
        yield from ((kind, part) for part in parts)


def typed(kind, text, clone):
    """Run a block or a line in the clone; return its seconds."""
    print(text, flush=True)
    began = time.perf_counter()
    if kind == "python":
        command = [clone / ".venv" / "bin" / "python", "-c", text]
    else:
        command = ["bash", "-c", f". .venv/bin/activate && {text}"]
    if "cifarkit serve" in text:
        answers(text, clone)
    else:
        subprocess.run(command, cwd=clone, check=True)
    return time.perf_counter() - began


def answers(text, clone):
    """Start the service, wait until it answers, and stop it."""
    _, *words = shlex.split(text)
    program = clone / ".venv" / "bin" / "cifarkit"
    with subprocess.Popen([program, *words], cwd=clone) as service:
        end = time.monotonic() + PATIENCE
        while not healthy():
            if service.poll() is not None or time.monotonic() > end:
                service.kill()
                raise SystemExit(f"{text!r} does not answer")
            time.sleep(0.2)
        service.terminate()


def healthy():
    """Whether the service can classify images."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8000/health", timeout=5) as found:
            return found.status == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
