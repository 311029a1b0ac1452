"""Images beside what a classifier makes of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidData
from cifarkit._numbers import require_whole
from cifarkit._types import Floats
from cifarkit.datasets import Split
from cifarkit.datasets._draw import generator
from cifarkit.viz._canvas import Figure, grid, short

_COLUMNS = 6


def gallery(
    split: Split,
    probabilities: NDArray[Any],
    *,
    right: bool,
    count: int = 18,
    seed: int = 0,
) -> Figure:
    """Show images that are classified rightly, or wrongly, drawn at random.

    Args:
        split: the images.
        probabilities: floats, shape `(N, C)`, as `evaluation.probabilities` gives them.
        right: whether those that are right are shown, or those that are wrong.
        count: how many, or as many as there are.
        seed: of the draw.

    Raises:
        InvalidData: the probabilities do not belong to the split.
        InvalidArgument: `count` is below 1, or `seed` below 0.
    """
    require_whole("count", count)
    rows = _checked(split, probabilities)
    places = np.flatnonzero((rows.argmax(axis=1) == split.labels) == right)
    drawn = generator(seed).permutation(places)[:count]
    return _shown(split, rows, np.sort(drawn))


def top_losses(split: Split, probabilities: NDArray[Any], *, count: int = 18) -> Figure:
    """Show the images whose true class is given the least probability, worst first.

    Args:
        split: the images.
        probabilities: as in `gallery`.
        count: how many.

    Raises:
        InvalidData: the probabilities do not belong to the split.
        InvalidArgument: `count` is below 1.
    """
    require_whole("count", count)
    rows = _checked(split, probabilities)
    own = rows[np.arange(len(rows)), split.labels]
    return _shown(split, rows, np.argsort(own, kind="stable")[:count])


def _shown(split: Split, rows: Floats, places: NDArray[np.intp]) -> Figure:
    captions = []
    for place in places:
        true, guess = split.labels[place], rows[place].argmax()
        words = f"{short(split.class_names[guess])} {rows[place, guess]:.0%}"
        wrong = f"\ntrue: {short(split.class_names[true])} {rows[place, true]:.1%}"
        captions.append(words + (wrong if guess != true else ""))
    return grid(split.images[places], captions, columns=_COLUMNS)


def _checked(split: Split, probabilities: NDArray[Any]) -> Floats:
    wanted = (len(split), len(split.class_names))
    if np.shape(probabilities) != wanted:
        raise InvalidData(
            f"Expected probabilities of shape {wanted}, one row for each image; "
            f"received {np.shape(probabilities)}. Make them with "
            "evaluation.probabilities(model, split.images)."
        )
    return np.asarray(probabilities, np.float32)
