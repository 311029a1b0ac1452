"""The files of examples/deploy, each run in a plain folder as its platform would."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cifarkit.exporting import export
from cifarkit.prediction import Predictor
from services import NAMES, classifier, free_port, png

pytestmark = pytest.mark.alone  # real services, kills, seconds

DEPLOY = Path(__file__).parents[1] / "examples" / "deploy"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder that has an exported network, as `exported`."""
    folder = tmp_path_factory.mktemp("model") / "exported"
    export(classifier(), folder, ["keras", "onnx"], class_names=NAMES)
    return folder


@contextmanager
def started(command, folder, port):
    """Run a service in a folder until it is ready, and stop it as platforms do."""
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1"}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        for _ in range(600):
            assert process.poll() is None
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        else:
            raise AssertionError("never ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (0, -signal.SIGTERM)


def instructions():
    """Return the lines of the Dockerfile, continued ones joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    kept = [line for line in text.splitlines() if line and line[0] != "#"]
    return [tuple(line.split(None, 1)) for line in kept]


def only(name):
    """Return what follows the only instruction of a name."""
    (found,) = (rest for each, rest in instructions() if each == name)
    return found


def test_the_steps_of_the_dockerfile_run_in_a_plain_folder(tmp_path, model):
    """Its files are copied, its command is run, its health check is content."""
    shutil.copytree(model, tmp_path / "context" / "exported")
    for path in DEPLOY.glob("*.*"):
        shutil.copy(path, tmp_path / "context")
    service = tmp_path / "service"
    service.mkdir()
    for _, copied in (each for each in instructions() if each[0] == "COPY"):
        source, target = copied.split()
        given = tmp_path / "context" / source
        copy = shutil.copytree if given.is_dir() else shutil.copy
        copy(given, service / target)
    port, command = free_port(), json.loads(only("CMD"))
    check = json.loads(only("HEALTHCHECK").split("CMD", 1)[1])
    inside = {**os.environ, "PORT": str(port)}
    assert command[0] == check[0] == "python"
    with started([sys.executable, *command[1:]], service, port) as address:
        answer = httpx.post(f"{address}/predict", files={"file": png(3)})
        assert answer.json() == Predictor(model / "model.onnx")(png(3)).to_dict()
        subprocess.run([sys.executable, *check[1:]], check=True, env=inside)
    line = [sys.executable, *check[1:]]
    stopped = subprocess.run(line, capture_output=True, env=inside)
    assert stopped.returncode != 0


def test_the_dockerfile_keeps_to_the_rules():
    """Not root, no address to add from, a signal reaches the process, few layers."""
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("CMD")
    assert int(only("USER")) >= 1000
    assert "ADD" not in names
    assert only("CMD").startswith("[")
    assert "--no-cache-dir" in dict(instructions())["RUN"]
    assert "latest" not in only("FROM")
    assert names.index("HEALTHCHECK") < names.index("CMD")


def test_a_linter_finds_nothing_in_the_dockerfile():
    """Not even a hint."""
    hadolint = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True)
    assert (run.returncode, run.stdout) == (0, b"")


def test_the_procfile_serves_flask(tmp_path, model):
    """With gunicorn, several threads, and the answer of the predictor."""
    shutil.copytree(model, tmp_path / "exported")
    shutil.copy(DEPLOY / "flask_api.py", tmp_path)
    kind, line = (DEPLOY / "Procfile").read_text().split(":", 1)
    port = free_port()
    line = line.replace("0.0.0.0", "127.0.0.1").replace("$PORT", str(port))
    program, *rest = shlex.split(line)
    assert (kind, program) == ("web", "gunicorn")
    run = [sys.executable, "-m", "gunicorn", *rest]
    with started(run, tmp_path, port) as address:
        found = httpx.post(f"{address}/predict", files={"file": png(3)}).json()
    assert found == Predictor(model / "model.onnx")(png(3)).to_dict()


def test_the_space_names_what_lies_beside_it():
    """Its front matter: the file that is started, and a Gradio that we support."""
    front = (DEPLOY / "space" / "README.md").read_text().split("---")[1]
    values = dict(line.split(": ", 1) for line in front.strip().splitlines())
    assert (DEPLOY / values["app_file"]).is_file()
    assert values["sdk"] == "gradio"
    assert tuple(map(int, values["sdk_version"].split("."))) >= (6, 16)
    wanted = (DEPLOY / "space" / "requirements.txt").read_text().split()
    assert wanted == ["cifarkit[gradio]"]
