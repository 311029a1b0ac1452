"""Where a network looked, laid over the image."""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from cifarkit._types import Images, Model
from cifarkit.models import loaded
from cifarkit.viz import grad_cam

_SHOWN = 320  # pixels of the longer side, at least


def network_of(model: Model | str | Path) -> Model | None:
    """Return what a heat map can be made of."""
    if isinstance(model, keras.Model):
        return model
    path = Path(model)
    if path.is_dir() and not (path / "saved_model.pb").exists():
        path = path / "model.keras"
    return loaded(path) if path.suffix == ".keras" else None


def overlaid(network: Model, pixels: Images) -> Images:
    """Return an image, enlarged for the eye, that is red where the network looked."""
    (heat,) = grad_cam(network, pixels[None])
    share = 0.6 * heat[..., None]
    red = np.array([255.0, 0.0, 0.0])
    mixed = np.rint(pixels * (1 - share) + red * share).astype(np.uint8)
    times = -(-_SHOWN // max(mixed.shape))
    size = (times * mixed.shape[1], times * mixed.shape[0])
    return np.array(Image.fromarray(mixed).resize(size, Image.Resampling.BICUBIC))
