"""One answer everywhere: test images through Keras, every export and every service.

python examples/quickstart.py --fast --out runs/fast
python scripts/one_answer.py runs/fast --json docs/results/one_answer.json

Also what int8 loses on all test images.
"""

import argparse
import io
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from deployed import DEPLOY, HOME, PORT, served
from PIL import Image

from cifarkit import TrainResult, datasets, metrics
from cifarkit.exporting import FORMATS, export
from cifarkit.prediction import Predictor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402


def main():
    """Export, ask everywhere, and compare with the model itself."""
    options = parsed()
    result = TrainResult.load(options.run)
    data = datasets.cifar10()
    test, samples = data.test, data.train.take(300).images
    files = [encoded(pixels) for pixels in test.images[: options.images]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = export(result, folder / "exported", FORMATS, samples=samples)
        wanted = rows(Predictor(options.run).batch(files))
        answers = {
            name: compared(wanted, rows(Predictor(path).batch(files)))
            for name, path in found.paths.items()
        }
        for name, ask in SERVICES.items():
            print(f"asking {name}", flush=True)
            answers[name] = compared(wanted, ask(folder, files))
        int8 = accuracy(found.paths["litert_int8"], test)
        float32 = accuracy(found.paths["litert"], test)
    exact = [each for name, each in answers.items() if name != "litert_int8"]
    figures = {
        "command": command(),
        "seed": 0,
        **surroundings(),
        "images": len(files),
        "largest_difference": max(each["largest_difference"] for each in exact),
        "other_classes": sum(each["other_classes"] for each in exact),
        "answers": answers,
        "accuracy": {"litert": float32, "litert_int8": int8, "drop": float32 - int8},
    }
    write_json(options.json, figures)
    assert figures["largest_difference"] <= 1e-4, figures["largest_difference"]
    assert figures["other_classes"] == 0, figures["other_classes"]
    print(json.dumps({key: figures[key] for key in ("answers", "accuracy")}, indent=2))


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="what TrainResult.save wrote")
    parser.add_argument("--json", type=Path, required=True, help="where figures go")
    parser.add_argument("--images", type=int, default=1000, help="test images")
    return parser.parse_args()


def encoded(pixels):
    """Return an image as PNG."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def rows(predictions):
    """Return probabilities in label order."""
    return np.array([list(each.probabilities.values()) for each in predictions])


def compared(wanted, found):
    """Return the largest difference, and other classes where the margin is clear."""
    ranked = np.sort(wanted, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 1e-3
    other = (wanted.argmax(axis=1) != np.nanargmax(found, axis=1)) & clear
    return {
        "largest_difference": float(np.nanmax(np.abs(wanted - found))),
        "other_classes": int(other.sum()),
    }


def accuracy(path, split):
    """Return the accuracy of an exported file on all images of a split."""
    found = Predictor(path).probabilities(list(split.images))
    return metrics.accuracy(split.labels, found.argmax(axis=1))


def shares(answer):
    """Return one row of an answer over HTTP."""
    return list(answer["probabilities"].values())


def single(files):
    """Return rows of images sent one by one, by eight callers."""

    def ask(content):
        answer = httpx.post(f"{HOME}/predict", files={"file": content}, timeout=30)
        return shares(answer.json())

    with ThreadPoolExecutor(8) as pool:
        return np.array(list(pool.map(ask, files)))


def batches(files):
    """Return rows of images sent by 32."""
    found = []
    for start in range(0, len(files), 32):
        chosen = [("files", content) for content in files[start : start + 32]]
        answer = httpx.post(f"{HOME}/predict/batch", files=chosen, timeout=30)
        found += map(shares, answer.json()["predictions"])
    return np.array(found)


def fastapi(folder, files):
    """Ask the FastAPI service, one by one."""
    model = folder / "exported" / "model.onnx"
    with served([sys.executable, DEPLOY / "app.py"], folder, model=model):
        return single(files)


def fastapi_batch(folder, files):
    """Ask the FastAPI service, 32 at a time."""
    model = folder / "exported" / "model.onnx"
    with served([sys.executable, DEPLOY / "app.py"], folder, model=model):
        return batches(files)


def flask(folder, files):
    """Ask the Flask service under gunicorn."""
    place = ["--bind", f"127.0.0.1:{PORT}", "--chdir", str(DEPLOY)]
    model = folder / "exported" / "model.onnx"
    line = ["-m", "gunicorn", "--threads", "8", *place, "flask_api:app"]
    with served([sys.executable, *line], folder, model=model):
        return single(files)


def gradio(folder, files):
    """Ask the page, as its own script does."""
    model = folder / "exported" / "model.keras"
    command = [sys.executable, DEPLOY / "gradio_app.py"]
    with served(command, folder, model=model, ready="/"):
        names = Predictor(model).class_names
        with httpx.Client(base_url=f"{HOME}/gradio_api", timeout=60) as client:
            return np.array([looked(client, content, names) for content in files])


def looked(client, content, names):
    """Return the page's shares of one image; it tells those of three classes."""
    (path,) = client.post("/upload", files={"files": ("a.png", content)}).json()
    file = {"path": path, "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
    event = client.post("/call/predict", json={"data": [file]}).json()["event_id"]
    lines = client.get(f"/call/predict/{event}").text.splitlines()
    label = json.loads(lines[1].removeprefix("data: "))[0]
    found = {each["label"]: each["confidence"] for each in label["confidences"]}
    return [found.get(name, np.nan) for name in names]


SERVICES = {
    "fastapi": fastapi,
    "fastapi_batch": fastapi_batch,
    "flask": flask,
    "gradio": gradio,
}


if __name__ == "__main__":
    main()
