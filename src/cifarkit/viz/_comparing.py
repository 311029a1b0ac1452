"""Several models side by side, and what somebody else reported of them."""

from collections.abc import Mapping, Sequence

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_number
from cifarkit.evaluation import Evaluation
from cifarkit.viz._canvas import BLUE, GREY, ORANGE, Axes, Figure, canvas, label, tidy

_LONGEST = 48
"""Letters of a model's name that leave room for its interval."""

_CLAIMED = {"marker": "D", "ls": "", "mfc": "none", "color": ORANGE, "ms": 5}
_WHOLE = {"clip_on": False}  # at the end of the axis, too
_ENDS = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}


def comparison(
    evaluations: Mapping[str, Evaluation],
    *,
    claimed: Mapping[str, float | None] | None = None,
) -> Figure:
    """Show the accuracy of several models with their 95 % intervals.

    Args:
        evaluations: of each model, by its name.
        claimed: accuracies in [0, 1] that somebody else reported, by the same names;
            None for none.

    Raises:
        InvalidArgument: there are no evaluations, or a claim is of none of them or no
            number in [0, 1].
    """
    if not evaluations:
        raise InvalidArgument("Expected at least one evaluation; received none.")
    claims = _checked(claimed or {}, list(evaluations))
    figure, ((axes,),) = canvas(height=1.2 + 0.3 * len(evaluations))
    for place, (name, evaluation) in enumerate(evaluations.items()):
        if name in claims:
            axes.plot(100 * claims[name], place, **_CLAIMED, **_WHOLE)
        _measured(axes, place, evaluation)
    axes.set_yticks(
        range(len(evaluations)), [label(name, _LONGEST) for name in evaluations]
    )
    axes.set_ylim(len(evaluations) - 0.5, -0.5)
    axes.grid(axis="y", color=GREY, lw=0.4, alpha=0.5)
    axes.margins(x=0.08)
    axes.set_xlim(right=min(axes.get_xlim()[1], 100.5))
    tidy(axes, x="accuracy on the test images, % (95 % interval)")
    if claims:
        axes.plot([], [], label="claimed", **_CLAIMED)
        figure.legend(loc="outside upper right", fontsize=8, frameon=False)
    return figure


def _checked(
    claimed: Mapping[str, float | None], names: Sequence[str]
) -> dict[str, float]:
    """Return the claims that say something, each of a known name and in [0, 1]."""
    if strange := set(claimed) - set(names):
        raise InvalidArgument(
            f"Expected claims of {names}; received {sorted(strange)}."
        )
    claims = {name: each for name, each in claimed.items() if each is not None}
    for name, each in claims.items():
        require_number(f"the accuracy claimed of {name!r}", each, least=0, most=1)
    return claims


def _measured(axes: Axes, place: int, evaluation: Evaluation) -> None:
    """Draw an accuracy in its interval, and say it at the right end of its row."""
    low, high = (100 * each for each in evaluation.interval)
    axes.plot([low, high], [place, place], "|-", color=BLUE, lw=1.4, ms=7)
    axes.plot(100 * evaluation.accuracy, place, "o", color=BLUE, ms=3.5)
    axes.annotate(
        f"{evaluation.accuracy:.2%}",
        (1, place),
        xytext=(8, 0),  # behind a mark at the end
        va="center",
        size=8,
        **_ENDS,
    )
