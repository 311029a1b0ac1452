"""The web page: python gradio_app.py, then http://localhost:7860.

CIFARKIT_MODEL names the model (exported/model.keras if it is not set), PORT the port,
HOST=0.0.0.0 lets other machines in.
The pictures to try are drawn from CIFAR-10 when the page starts for the first time.
"""

import os
import tempfile
from pathlib import Path

from PIL import Image

from cifarkit import CifarkitError, datasets
from cifarkit.serving import gradio_page

MODEL = os.environ.get("CIFARKIT_MODEL", "exported/model.keras")
SAMPLES = Path(os.environ.get("CIFARKIT_SAMPLES", "samples"))


def samples():
    """Return one picture of each class; none where they cannot be had or kept."""
    if not SAMPLES.is_dir():
        try:
            draw(datasets.cifar10().validation)
        except (CifarkitError, OSError) as error:
            print(f"No pictures to try: {error}")
            return []
    return sorted(SAMPLES.glob("*.png"))


def draw(split):
    """Write one picture of each class, all of them or none."""
    with tempfile.TemporaryDirectory(dir=SAMPLES.parent) as beside:
        part = Path(beside) / "part"
        part.mkdir()
        for number, name in enumerate(split.class_names):
            pixels = split.images[split.labels == number][0]
            Image.fromarray(pixels).save(part / f"{name}.png")
        part.rename(SAMPLES)


def main():
    """Open the page."""
    gradio_page(MODEL, examples=samples()).launch(
        server_name=os.environ.get("HOST"),  # or GRADIO_SERVER_NAME, or this machine
        server_port=int(os.environ.get("PORT", "7860")),
        share=False,
        max_file_size="8mb",
    )


if __name__ == "__main__":
    main()
