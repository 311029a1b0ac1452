"""Figures without a window: nothing here touches pyplot or the user's settings."""

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from cifarkit._extras import require
from cifarkit._types import Images

Figure: TypeAlias = Any
"""A `matplotlib.figure.Figure`; show it in a notebook, or call `savefig`."""

Axes: TypeAlias = Any
"""A `matplotlib.axes.Axes`."""

BLUE, ORANGE, GREY = "#1f5fa8", "#d9731a", "#8a8f98"
"""Two colours that most people tell apart, and one for what matters less."""

_LONGEST = 24
"""Letters of a name that still leave room for a picture beside it."""

_WIDTH = 0.6
"""Of a letter, as a share of its size."""


def canvas(
    rows: int = 1, columns: int = 1, *, width: float = 7.0, height: float = 4.0
) -> tuple[Figure, Any]:
    """Return a figure and an array of its axes, shape `(rows, columns)`.

    Args:
        rows: of axes.
        columns: of axes.
        width: of the figure, in inches.
        height: of the figure, in inches.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    kind = require("matplotlib.figure", extra="viz").Figure
    figure = kind(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def plain(text: str) -> str:
    """Return a text that matplotlib shows as it is: no dollar begins a formula."""
    return str(text).replace("$", r"\$")


def short(name: str, letters: int = _LONGEST) -> str:
    """Return a name in one line, cut where it would take the room of the picture."""
    line = " ".join(str(name).split())
    return line if len(line) <= letters else f"{line[: letters - 1]}…"


def label(name: str, letters: int = _LONGEST) -> str:
    """Return a name as matplotlib shows it beside an axis."""
    return plain(short(name, letters))


def tidy(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Label axes, and take away the frame that says nothing."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def grid(
    images: Images,
    captions: Sequence[str],
    *,
    columns: int,
    side: float = 1.15,
    where: Literal["center", "left"] = "center",
) -> Figure:
    """Return images in a grid, each under its caption.

    Args:
        images: RGB, uint8, shape `(N, H, W, 3)`.
        captions: one for each image.
        columns: how many stand in a row.
        side: of one image, in inches.
        where: a caption stands; one on the left may go on over the next images.
    """
    points = 8.0 if where == "left" else _size(captions, side)
    rows = max(1, math.ceil(len(images) / columns))
    lines = 1 + max((caption.count("\n") for caption in captions), default=0)
    height = rows * (side + 0.17 * lines)
    figure, axes = canvas(rows, columns, width=columns * side, height=height)
    for place, spot in enumerate(axes.flat):
        spot.set_axis_off()
        if place < len(images):
            spot.imshow(np.asarray(images[place]), interpolation="nearest")
            spot.set_title(plain(captions[place]), fontsize=points, pad=2, loc=where)
    return figure


def _size(captions: Sequence[str], side: float) -> float:
    """Return the size, in points, of letters whose longest line is as wide as an image.

    Names that would have to be smaller than 5 points are as long as they are.
    """
    longest = max((len(x) for each in captions for x in each.split("\n")), default=0)
    return max(5.0, min(8.0, 72 * side / (_WIDTH * max(1, longest))))
