"""How good a classifier is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit import metrics
from cifarkit._extras import require
from cifarkit.evaluation import Evaluation
from cifarkit.metrics._probability import binned
from cifarkit.viz._canvas import BLUE, GREY, ORANGE, Figure, canvas, label, tidy

_BINS = 15
_NARROW = 0.1
_BESIDE = {"textcoords": "offset points", "xytext": (2, 0), "va": "center", "size": 8}
_NUMBERED = 60  # classes whose counts and names still fit into a picture


def confusion(evaluation: Evaluation) -> Figure:
    """Show which class is taken for which, in images.

    Of more than 60 classes colours alone are shown, without counts and names.

    Raises:
        MissingExtra: matplotlib or seaborn is not installed.
    """
    names, matrix = [*map(label, evaluation.class_names)], evaluation.confusion
    few = len(names) <= _NUMBERED
    side = 2.2 + 0.48 * min(len(names), _NUMBERED)
    figure, ((axes,),) = canvas(width=side + 0.4, height=side)
    mistakes = np.where(np.eye(len(names), dtype=bool), 0, matrix)
    require("seaborn", extra="viz").heatmap(
        mistakes,
        annot=matrix if few else None,
        fmt="d",
        cmap="Oranges",
        cbar=False,
        square=True,
        linewidths=0.5 if few else 0,
        annot_kws={"size": 8},
        xticklabels=names if few else False,
        yticklabels=names if few else False,
        ax=axes,
    )
    for number in range(len(names)):  # what is right, in another colour than mistakes
        spot = axes.add_patch(_square(number))
        spot.set_zorder(1.1)  # over the map, below the numbers
    tidy(axes, title=f"{evaluation.accuracy:.2%} right", x="predicted", y="true")
    axes.tick_params(axis="y", rotation=0)
    for name in axes.get_xticklabels():  # its end, not its middle, is at its column
        name.set(rotation=45, ha="right", rotation_mode="anchor")
    return figure


def class_scores(evaluation: Evaluation) -> Figure:
    """Show F1, precision and recall of every class, the best F1 first.

    Classes without images are left out: nothing is known of them.
    """
    known = (each for each in evaluation.per_class if each.support)
    scores = sorted(known, key=lambda score: -score.f1)
    figure, ((axes,),) = canvas(height=1.1 + 0.28 * len(scores))
    rows = range(len(scores))
    axes.barh(rows, [100 * each.f1 for each in scores], 0.62, color=BLUE, label="F1")
    marks = ("x", 7, "black", "recall"), ("|", 13, ORANGE, "precision")  # both are seen
    for marker, size, colour, name in marks:
        values = [100 * getattr(each, name) for each in scores]
        style = {"ms": size, "mew": 1.6, "color": colour, "clip_on": False}
        axes.plot(values, rows, marker, label=name, **style)
    for row, each in enumerate(scores):
        inside = each.f1 > _NARROW  # else behind all that stands in its row
        place = 1 if inside else 2 + 100 * max(each.f1, each.precision, each.recall)
        colour = "white" if inside else "black"
        axes.annotate(f"{100 * each.f1:.1f}", (place, row), color=colour, **_BESIDE)
    axes.set_yticks(rows, [label(each.name) for each in scores])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)  # bars that begin elsewhere exaggerate
    tidy(axes, x="%")
    figure.legend(loc="outside upper right", ncols=3, fontsize=8, frameon=False)
    return figure


def calibration(labels: NDArray[Any], probabilities: NDArray[Any]) -> Figure:
    """Show how often predictions of each confidence are right (a reliability diagram).

    Args:
        labels: true class numbers, integers, shape `(N,)`.
        probabilities: floats, shape `(N, C)`, as `evaluation.probabilities` gives them.

    Raises:
        InvalidData: the arrays are bad or do not belong together.
    """
    error = metrics.calibration_error(labels, probabilities, bins=_BINS)
    rows = np.asarray(probabilities)
    confidence, place = binned(rows, _BINS)
    right = rows.argmax(axis=1) == labels
    figure, (panels,) = canvas(1, 2, width=8.4, height=3.4)
    curve, count = panels
    used = [number for number in range(_BINS) if (place == number).any()]
    means = [100 * confidence[place == number].mean() for number in used]
    shares = [100 * right[place == number].mean() for number in used]
    curve.plot([0, 100], [0, 100], color=GREY, lw=0.9, ls="--", label="calibrated")
    curve.legend(fontsize=8, frameon=False)
    spans = np.array([_span(right[place == number]) for number in used]).T
    curve.errorbar(means, shares, spans, fmt="o", color=BLUE, ms=4, lw=1, capsize=2)
    tidy(
        curve,
        title=f"expected calibration error {error:.4f}",
        x="confidence, %",
        y="right, %",
    )
    count.hist(100 * confidence, bins=np.linspace(0, 100, _BINS + 1), color=BLUE)
    count.set_yscale("log")
    count.set_ylim(bottom=0.7)  # so that one image is seen, and ten are more
    tidy(count, title="how often", x="confidence, %", y="images")
    return figure


def _span(right: NDArray[Any]) -> tuple[float, float]:
    """Return how far the 95 % interval of a share reaches below and above it."""
    low, high = metrics.wilson_interval(int(right.sum()), len(right))
    share = right.mean()
    return 100 * max(0.0, share - low), 100 * max(0.0, high - share)


def _square(number: int) -> Any:
    patches = require("matplotlib.patches", extra="viz")
    return patches.Rectangle((number, number), 1, 1, facecolor="#d7e6f5")
