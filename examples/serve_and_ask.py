"""How do I serve it over HTTP? A service, asked for one image and for several.

python examples/serve_and_ask.py          the quickstart's model, or a short run
python examples/serve_and_ask.py --smoke  made-up images, in seconds

pip install 'cifarkit[export,serve]' httpx
"""

import argparse
import io
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from PIL import Image

from cifarkit import TwoPhaseTrainer, backbones, datasets, heads


def main():
    """Find a model, serve it, and ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
    parser.add_argument("--model", type=Path, default=Path("runs/quickstart"))
    options = parser.parse_args()
    data = datasets.synthetic(100) if options.smoke else datasets.cifar10(size=96)
    if options.smoke or not options.model.exists():
        options.model = train(data, options.model.with_name("serve_and_ask"))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = ["-m", "cifarkit", "serve", options.model, "--port", port]
    with (
        subprocess.Popen([sys.executable, *words]) as service,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        try:
            wait_for(client, service)
            ask(client, data.test)
        finally:
            service.terminate()  # what it has taken is answered first


def train(data, folder):
    """Return a folder with a model, trained on a few images."""
    few = [
        part.take(min(most, len(part)))
        for part, most in ((data.train, 2_000), (data.validation, 500))
    ]
    trainer = TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier())
    return trainer.fit(datasets.Splits(*few, data.test)).save(folder)


def wait_for(client, service):
    """Wait until images can be classified."""
    while service.poll() is None:
        try:
            if client.get("/health").is_success:
                return
        except httpx.TransportError:  # it does not listen yet
            pass
        time.sleep(0.2)
    sys.exit("the service has ended")


def ask(client, test):
    """Ask for one image, for several, and for something that is none."""
    names, files = test.class_names, list(map(png, test.images[:8]))
    one = client.post("/predict", files={"file": files[0]}).json()
    print(f"one: {one['predicted_class']} {one['confidence']:.1%}", end=", ")
    print(f"it is {names[test.labels[0]]}")
    many = client.post("/predict/batch", files=[("files", file) for file in files])
    found = [each["predicted_class"] for each in many.json()["predictions"]]
    right = sum(a == names[b] for a, b in zip(found, test.labels, strict=False))
    print(f"several: {right} of {len(found)} are right")
    refused = client.post("/predict", files={"file": b"no image"})
    print(f"no image: {refused.status_code}, {refused.json()['error']['message']}")


def png(pixels):
    """Return the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
