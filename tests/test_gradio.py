"""The web page, started as people start it, and asked as its own script asks."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import keras
import numpy as np
import pytest

from cifarkit.exporting import export
from cifarkit.prediction import Predictor
from cifarkit.serving._gradio import _looked
from cifarkit.serving._overlay import network_of, overlaid
from cifarkit.viz import grad_cam
from services import NAMES, classifier, free_port, picture, png

pytestmark = pytest.mark.alone  # real services, kills, seconds

APP = Path(__file__).parents[1] / "examples" / "deploy" / "gradio_app.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an exported network, and a picture to try."""
    found = tmp_path_factory.mktemp("deployed")
    export(classifier(), found / "exported", "keras", class_names=NAMES)
    (found / "samples").mkdir()
    (found / "samples" / "try.png").write_bytes(png(1))
    return found


@pytest.fixture(scope="module")
def page(folder):
    """The address of the page, in a process of its own."""
    port = free_port()
    more = {"PORT": str(port), "HOST": "127.0.0.1", "GRADIO_TEMP_DIR": f"{folder}/tmp"}
    process = subprocess.Popen(
        [sys.executable, APP], cwd=folder, env={**os.environ, **more}
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            assert httpx.get(address).status_code == 200
            break
        except httpx.TransportError:
            assert process.poll() is None
            time.sleep(0.1)
    else:
        process.kill()
        raise AssertionError("never ready")
    yield address
    process.terminate()
    process.wait(20)


def sent(page, name, content):
    """Upload a file, and return what stands for it in a question."""
    files = {"files": (name, content)}
    (path,) = httpx.post(f"{page}/gradio_api/upload", files=files).json()
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def asked(page, route, data):
    """Return the event and the value that a question is answered with."""
    call = f"{page}/gradio_api/call/{route}"
    event = httpx.post(call, json={"data": [data]}).json()["event_id"]
    lines = httpx.get(f"{call}/{event}", timeout=60).text.splitlines()
    return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))


def test_a_picture_gets_the_answer_of_the_predictor(page):
    """The label's shares are its probabilities; the heat map is a picture."""
    event, (label, where) = asked(page, "predict", sent(page, "a.png", png(3)))
    assert event == "complete"
    found = {each["label"]: each["confidence"] for each in label["confidences"]}
    wanted = Predictor(classifier(), NAMES)(png(3)).probabilities
    assert found == pytest.approx(dict(wanted), abs=1e-5)
    assert httpx.get(where["url"]).headers["content-type"].startswith("image/")


def test_many_pictures_get_one_line_each(page):
    """In their order."""
    files = [sent(page, f"{seed}.png", png(seed)) for seed in range(3)]
    event, (gallery,) = asked(page, "predict_batch", files)
    wanted = Predictor(classifier(), NAMES).batch([png(seed) for seed in range(3)])
    assert event == "complete"
    lines = [f"{each.name} {each.confidence:.0%}" for each in wanted]
    assert [each["caption"] for each in gallery] == lines


def test_what_is_no_picture_is_said_on_the_page(page, folder):
    """In our words, without a trace."""
    event, value = asked(page, "predict_batch", [sent(page, "a.png", b"no image")])
    assert event == "error"
    assert "Expected a complete image file" in json.dumps(value)
    assert "Traceback" not in json.dumps(value)
    assert str(folder) not in json.dumps(value)


def test_the_page_shows_what_it_knows(page):
    """The classes, the pictures to try, and both tabs."""
    text = json.dumps(httpx.get(f"{page}/config").json())
    assert "It knows cat, dog, frog." in text
    assert "try.png" in text
    assert {"One picture", "Many pictures"} <= set(text.split('"'))


def test_a_heat_map_needs_a_network(folder):
    """It is found in a file and in a model; other runtimes have no gradient."""
    network = network_of(folder / "exported" / "model.keras")
    pixels = picture(3)
    shown = overlaid(network, pixels)
    assert (shown.shape, shown.dtype) == ((324, 270, 3), np.uint8)
    (heat,) = grad_cam(network, pixels[None])  # red where it is high, and there alone
    assert heat.max() > 0.9 > 0.1 > heat.min()
    red = 0.6 * heat[..., None] * np.array([255, 0, 0])
    wanted = (1 - 0.6 * heat[..., None]) * pixels + red
    np.testing.assert_allclose(shown[13::27, 13::27], wanted, atol=1.0)
    assert network_of(folder / "exported" / "model.onnx") is None
    model = classifier()
    assert network_of(model) is model


def test_a_network_without_maps_answers_without_a_heat_map(caplog):
    """What cannot be drawn costs no answer."""
    image = keras.Input((4, 4, 3))
    flat = keras.layers.Flatten()(image)
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(flat))
    assert _looked(model, picture(3)[:4, :4]) is None
    assert "No heat map" in caplog.text
