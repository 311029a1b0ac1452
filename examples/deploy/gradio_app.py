"""The web page: python gradio_app.py, then http://localhost:7860.

CIFARKIT_MODEL names the model (exported/model.keras if it is not set), PORT the port,
HOST=0.0.0.0 lets other machines in.
The pictures to try are drawn from CIFAR-10 when the page starts for the first time.
"""

import os
from pathlib import Path

from PIL import Image

from cifarkit import CifarkitError, datasets
from cifarkit.serving import gradio_page

MODEL = os.environ.get("CIFARKIT_MODEL", "exported/model.keras")
SAMPLES = Path(os.environ.get("CIFARKIT_SAMPLES", "samples"))


def samples():
    """Return one picture of each class; none where CIFAR-10 cannot be had."""
    if not SAMPLES.is_dir():
        try:
            split = datasets.cifar10().validation
        except CifarkitError as error:
            print(f"No pictures to try: {error}")
            return []
        SAMPLES.mkdir()
        for number, name in enumerate(split.class_names):
            pixels = split.images[split.labels == number][0]
            Image.fromarray(pixels).save(SAMPLES / f"{name}.png")
    return sorted(SAMPLES.glob("*.png"))


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
