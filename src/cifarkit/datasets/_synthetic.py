"""Small made-up images that a small network learns in seconds."""

import numpy as np

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole
from cifarkit._types import Floats, Images, Labels
from cifarkit.datasets._checks import check_size
from cifarkit.datasets._divide import divide
from cifarkit.datasets._draw import generator
from cifarkit.datasets._splits import Split, Splits

_LARGEST_SIDE = 32
_NOISE = 32.0


def synthetic(
    n: int = 500, *, size: int = 32, classes: int = 10, seed: int = 0
) -> Splits:
    """Return splits of made-up images, for tests, examples and smoke runs.

    Each class has a hue and a number of horizontal stripes; their place, the light and
    the noise differ from image to image. No part of this says how good a network is.

    Args:
        n: number of images in all: three fifths to train on, one fifth each to
            choose on and to test on; at least 5 per class.
        size: side in pixels at which a network sees the images. They are drawn at
            32 x 32, or at `size` if that is smaller.
        classes: number of classes, at least 2; each gets as many images, plus or
            minus one.
        seed: of the images and of their division, not negative.

    Raises:
        InvalidArgument: `n`, `size`, `classes` or `seed` is out of range.

    Example:
        >>> synthetic(50, classes=5)
        Splits(train=30, validation=10, test=10 images of 32 x 32, 5 classes, size=32)
    """
    check_size(size)
    whole = is_whole(classes, least=2) and is_whole(n)
    if not whole or n < 5 * classes:
        raise InvalidArgument(
            "Expected at least 2 classes and 5 images for each, in whole numbers; "
            f"received {classes!r} classes and {n!r} images. Ask for more images."
        )
    random = generator(seed)
    labels = random.permutation(np.arange(n, dtype=np.int64) % classes)
    pixels = _drawn(labels, min(size, _LARGEST_SIDE), classes, random)
    names = tuple(f"class {label}" for label in range(classes))
    split = Split(pixels, labels, names, size)
    return divide(split, validation=0.2, test=0.2, seed=seed, source="synthetic")


def _drawn(
    labels: Labels, side: int, classes: int, random: np.random.Generator
) -> Images:
    n = len(labels)
    colours = _hues(classes)[labels][:, None, None, :]
    light = random.uniform(0.6, 1.0, (n, 1, 1, 1))
    shift = random.uniform(0.0, 1.0, (n, 1))
    # Stripes wider than two pixels, so that no two numbers of them look alike.
    stripes = 1 + labels[:, None] % max(side // 4, 1)
    rows = np.arange(side) / side
    waves = 0.75 + 0.25 * np.sin(2 * np.pi * (stripes * rows + shift))
    noise = random.normal(0.0, _NOISE, (n, side, side, 3))
    pixels = 255 * colours * light * waves[:, :, None, None] + noise
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _hues(classes: int) -> Floats:
    """Return one RGB colour per class, evenly round the colour circle, in [0, 1]."""
    angles = 2 * np.pi * np.arange(classes)[:, None] / classes
    thirds = 2 * np.pi * np.arange(3)[None, :] / 3
    return (0.5 + 0.5 * np.cos(angles - thirds)).astype(np.float32)
