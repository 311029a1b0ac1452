"""How a training went."""

from itertools import pairwise
from typing import Any

from cifarkit.training import TrainResult
from cifarkit.viz._canvas import BLUE, GREY, ORANGE, Axes, Figure, canvas, tidy

_PANELS = (("accuracy", "accuracy, %", 100.0), ("loss", "loss", 1.0))


def curves(result: TrainResult) -> Figure:
    """Show accuracy and loss of both phases as one course.

    A vertical line stands where the second phase begins, a ring around the epoch whose
    weights were kept. Training with smoothed labels has a larger loss than validation,
    which is measured without; the legend says so.
    """
    figure, (panels,) = canvas(1, 2, width=8.4, height=3.2)
    history = result.history
    epochs = range(1, len(history["phase"]) + 1)
    starts = [
        epoch + 0.5
        for epoch, (before, after) in enumerate(pairwise(history["phase"]), start=1)
        if before != after
    ]
    for axes, (name, label, scale) in zip(panels, _PANELS, strict=True):
        for key, colour, words in (
            (name, BLUE, "training"),
            (f"val_{name}", ORANGE, "validation"),
        ):
            if key in history:
                words += _smoothed(result) if key == "loss" else ""
                values = [scale * value for value in history[key]]
                axes.plot(epochs, values, "o-", ms=3, lw=1.4, color=colour, label=words)
        for start in starts:
            axes.axvline(start, color=GREY, lw=0.9, ls="--")
        _ring(axes, result, history, name, scale)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.set_xlim(0.5, len(epochs) + 0.5)  # one epoch alone has a place, too
        axes.ticklabel_format(axis="y", useOffset=False)
        tidy(axes, x="epoch", y=label)
        narrow = {"columnspacing": 1.0, "handlelength": 1.2, "handletextpad": 0.5}
        above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3}
        axes.legend(fontsize=8, frameon=False, **above, **narrow)
    return figure


def _ring(
    axes: Axes, result: TrainResult, history: Any, name: str, scale: float
) -> None:
    """Mark the epoch that was kept."""
    before = sum(
        len(phase.history["loss"]) for phase in result.phases[: result.kept - 1]
    )
    place = before + result.phases[result.kept - 1].kept_epoch
    key = f"val_{name}" if f"val_{name}" in history else name
    value = scale * history[key][place]
    axes.plot(place + 1, value, "o", ms=9, mfc="none", mec="#333333", label="kept")


def _smoothed(result: TrainResult) -> str:
    """Return in words in which phases labels were smoothed; nothing if in none."""
    phases = result.provenance["phases"]
    found = [n for n, each in enumerate(phases, start=1) if each.get("label_smoothing")]
    if not found:
        return ""
    all_of_them = len(found) == len(phases)
    return ", labels smoothed" if all_of_them else f", smoothed in phase {found[0]}"
