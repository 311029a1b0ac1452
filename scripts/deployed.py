"""A file of examples/deploy as a running service, for scripts that ask it."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

DEPLOY = Path(__file__).resolve().parent.parent / "examples" / "deploy"
PORT = "18765"
PATIENCE = 180  # seconds until a service is ready
HOME = f"http://127.0.0.1:{PORT}"


@contextmanager
def served(command, folder, *, model, ready="/health"):
    """Run a service in a folder until it is ready, and stop it in the end.

    Args:
        command: what starts it.
        folder: in which it runs.
        model: the file that it serves.
        ready: the path that answers 200 once it is ready.

    Raises:
        SystemExit: it ended early.
    """
    told = {"CIFARKIT_MODEL": str(model), "PORT": PORT, "HOST": "127.0.0.1"}
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **told})
    try:
        until = time.monotonic() + PATIENCE
        while not _answers(ready):
            if time.monotonic() > until:
                raise SystemExit(f"{command} was not ready in {PATIENCE} seconds.")
            if process.poll() is not None:
                raise SystemExit(f"{command} ended early.")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answers(path):
    try:
        return httpx.get(HOME + path).status_code == 200
    except httpx.TransportError:
        return False
