"""Several models side by side, and what somebody else reported of them."""

from collections.abc import Mapping

from cifarkit._errors import InvalidArgument
from cifarkit.evaluation import Evaluation
from cifarkit.viz._canvas import BLUE, GREY, ORANGE, Axes, Figure, canvas, plain, tidy

_ENDS = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}


def comparison(
    evaluations: Mapping[str, Evaluation],
    *,
    claimed: Mapping[str, float] | None = None,
) -> Figure:
    """Show the accuracy of several models with their 95 % intervals.

    Args:
        evaluations: of each model, by its name.
        claimed: accuracies in [0, 1] that somebody else reported, by the same names.

    Raises:
        InvalidArgument: there are no evaluations, or a claim is of none of them.
    """
    if not evaluations:
        raise InvalidArgument("Expected at least one evaluation; received none.")
    if strange := set(claimed or {}) - set(evaluations):
        raise InvalidArgument(
            f"Expected claims of {list(evaluations)}; received {sorted(strange)}."
        )
    figure, ((axes,),) = canvas(height=1.2 + 0.3 * len(evaluations))
    for place, (name, evaluation) in enumerate(evaluations.items()):
        if claimed and name in claimed:
            share = 100 * claimed[name]
            axes.plot([share], [place], "D", mfc="none", color=ORANGE, ms=5)
        _measured(axes, place, evaluation)
    axes.set_yticks(range(len(evaluations)), map(plain, evaluations))
    axes.set_ylim(len(evaluations) - 0.5, -0.5)
    axes.grid(axis="y", color=GREY, lw=0.4, alpha=0.5)
    axes.margins(x=0.08)
    axes.set_xlim(right=min(axes.get_xlim()[1], 100.5))
    tidy(axes, x="accuracy on the test images, % (95 % interval)")
    if claimed:
        axes.plot([], [], "D", mfc="none", color=ORANGE, ms=5, label="claimed")
        figure.legend(loc="outside upper right", fontsize=8, frameon=False)
    return figure


def _measured(axes: Axes, place: int, evaluation: Evaluation) -> None:
    """Draw an accuracy in its interval, and say it at the right end of its row."""
    low, high = (100 * each for each in evaluation.interval)
    axes.plot([low, high], [place, place], "|-", color=BLUE, lw=1.4, ms=7)
    axes.plot(100 * evaluation.accuracy, place, "o", color=BLUE, ms=3.5)
    axes.annotate(
        f"{evaluation.accuracy:.2%}",
        (1, place),
        xytext=(4, 0),
        va="center",
        size=8,
        **_ENDS,
    )
