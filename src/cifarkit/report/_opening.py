"""What was to be done, and with which images."""

from cifarkit.datasets import Split, Splits, channels
from cifarkit.evaluation import Evaluation
from cifarkit.report._blocks import Block, Heading, Table, Text
from cifarkit.training import TrainResult


def objective(result: TrainResult, data: Splits, evaluation: Evaluation) -> list[Block]:
    """Say what was to be done, and how it ended."""
    low, high = evaluation.interval
    made = result.provenance
    each = ", each averaged with its mirror image," if evaluation.tta else ""
    return [
        Heading(f"{made['network']} on {len(data.train.class_names)} classes", 1),
        Heading("Objective"),
        Text(
            f"Classify images into {', '.join(data.train.class_names)}. Of "
            f"{evaluation.n:,} test images{each} {evaluation.accuracy:.2%} are "
            f"classified correctly (95 % interval {low:.2%} to {high:.2%})."
        ),
    ]


def exploration(data: Splits) -> list[Block]:
    """Say what the images are like."""
    height, width = data.train.images.shape[1:3]
    chosen = "choices are made on the validation images, "
    counts = [(name, f"{len(split):,}") for name, split in parts(data).items()]
    return [
        Heading("Data"),
        Text(
            f"Images of {width} x {height} pixels from {data.source}, as RGB from 0 to "
            "255. Weights are fitted to the training images, "
            f"{chosen if len(data.validation) else ''}and the test images are for "
            "the evaluation alone."
        ),
        Table(("part", "images"), tuple(counts)),
        _colours(data),
    ]


def parts(data: Splits) -> dict[str, Split]:
    """Return the parts of the data under the names that a report gives them."""
    return {"training": data.train, "validation": data.validation, "test": data.test}


_COLOURS = "mean", "deviation"


def _colours(data: Splits) -> Table:
    """Return mean and deviation of each channel, of both parts together too."""
    head, found = ["channel", *_COLOURS], channels(data.train)
    rows = [[each.name, f"{each.mean:.2f}", f"{each.deviation:.2f}"] for each in found]
    if len(data.validation):
        head += [f"{each}, with validation" for each in _COLOURS]
        others = channels(data.validation)
        for row, one, other in zip(rows, found, others, strict=True):
            both = one + other
            row += [f"{both.mean:.2f}", f"{both.deviation:.2f}"]
    return Table(tuple(head), tuple(map(tuple, rows)))
