"""How good a classifier is, and what its figures do not tell."""

import math
from collections.abc import Sequence

from cifarkit.evaluation import Evaluation
from cifarkit.metrics import ClassScore
from cifarkit.report._blocks import Block, Heading, Points, Table

PENALISED = "loss with weight penalties"
_EQUAL = 1e-6


def quality(evaluation: Evaluation) -> list[Block]:
    """Say how good the classifier is."""
    rows = [
        ("accuracy", f"{evaluation.accuracy:.2%}"),
        ("loss (cross-entropy)", f"{evaluation.loss:.4f}"),
        ("expected calibration error", f"{evaluation.ece:.4f}"),
        *(
            (f"in the top {k}", f"{share:.2%}")
            for k, share in evaluation.top_k.items()
            if k > 1
        ),
    ]
    if is_penalised(evaluation):
        rows.insert(2, (PENALISED, f"{evaluation.objective:.4f}"))
    scores = tuple(map(_score, evaluation.per_class))
    blocks: list[Block] = [
        Heading("Results on the test images"),
        Table(("figure", "value"), tuple(rows)),
        Table(("class", "precision", "recall", "F1", "images"), scores),
    ]
    pairs = [
        (f"{each.first} and {each.second}", f"{each.count:,}")
        for each in evaluation.pairs
    ]
    if pairs:
        blocks.append(Table(("confused with each other", "images"), tuple(pairs)))
    return blocks


def _score(each: ClassScore) -> tuple[str, ...]:
    """Return the row of a class; of one without test images nothing is known."""
    scores = each.precision, each.recall, each.f1
    told = (f"{score:.3f}" if each.support else "-" for score in scores)
    return (each.name, *told, f"{each.support:,}")


def is_penalised(evaluation: Evaluation) -> bool:
    """Whether the network has penalties on its weights."""
    return abs(evaluation.objective - evaluation.loss) > _EQUAL


_ELSEWHERE = (
    "Images from elsewhere, such as another camera, may be much harder, and one of "
    "another class is taken for one of these."
)


def limits(evaluation: Evaluation, notes: Sequence[str]) -> list[Block]:
    """Say what the figures do not tell."""
    half = 100 * (evaluation.interval[1] - evaluation.interval[0]) / 2
    resolution = (
        f"{evaluation.n:,} test images give the accuracy to about {half:.1f} points. "
        "Two models that are measured on different images have to differ by "
        f"{half * math.sqrt(2):.1f} points; on the same images report.compare tells "
        "smaller differences from chance."
    )
    known = (
        resolution,
        "One seed was trained: another one gives a slightly different network.",
        _ELSEWHERE,
        *notes,
    )
    return [Heading("Limits"), Points(known)]
