"""The figures of a report, drawn by `cifarkit.viz` into its folder."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cifarkit._errors import InvalidArgument
from cifarkit._extras import require
from cifarkit._types import Floats
from cifarkit.augment import Augmentation
from cifarkit.datasets import Split, Splits
from cifarkit.evaluation import Evaluation
from cifarkit.report._blocks import Picture
from cifarkit.training import TrainResult

FIGURES = "figures"
NAMES = tuple(
    f"{name}.png"
    for name in (
        *("samples", "classes", "channels", "augmentations", "curves", "scores"),
        *("confusion", "calibration", "right", "wrong", "losses", "attention"),
    )
)
"""All figures that a report may have."""

_DPI = 110
_LOOKED_AT = 6


class Album:
    """Draws figures into a folder, each when it is asked for.

    Args:
        folder: of the report.

    Raises:
        MissingExtra: matplotlib or seaborn is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._viz: Any = require("cifarkit.viz", extra="viz")
        require("matplotlib", extra="viz")
        require("seaborn", extra="viz")
        (folder / FIGURES).mkdir(parents=True, exist_ok=True)

    def of_data(self, data: Splits, augment: Sequence[Augmentation]) -> list[Picture]:
        """Return what the images are like."""
        viz, train = self._viz, data.train
        drawn = [
            self._kept(viz.samples(train), "samples", "One image of each class."),
            self._kept(
                viz.class_counts(data), "classes", "Images of each class, in each part."
            ),
            self._kept(
                viz.channels(train), "channels", "Values of the training images."
            ),
        ]
        if augment:
            drawn.append(
                self._kept(
                    viz.augmentations(train, augment),
                    "augmentations",
                    "One image, the first of each row, and what each augmentation by "
                    "itself makes of it.",
                )
            )
        return drawn

    def of_training(self, result: TrainResult) -> Picture:
        """Return the course of the phases."""
        words = (
            "Accuracy and loss of each epoch; a dashed line where a phase begins, a "
            "ring around the weights that are kept."
        )
        return self._kept(self._viz.curves(result), "curves", words)

    def of_quality(
        self, data: Splits, evaluation: Evaluation, probabilities: Floats
    ) -> list[Picture]:
        """Return how good the classifier is."""
        viz, test = self._viz, data.test
        draw: dict[str, tuple[Callable[[], Any], str]] = {
            "scores": (
                lambda: viz.class_scores(evaluation),
                "F1, precision and recall of each class.",
            ),
            "confusion": (
                lambda: viz.confusion(evaluation),
                "True class by predicted class, in images; colour shows mistakes.",
            ),
            "calibration": (
                lambda: viz.calibration(test.labels, probabilities),
                "Predictions by confidence: right ones (95 % intervals), and all.",
            ),
            "right": (
                lambda: viz.gallery(test, probabilities, right=True),
                "Some images that are classified correctly.",
            ),
            "wrong": (
                lambda: viz.gallery(test, probabilities, right=False),
                "Some images that are classified wrongly.",
            ),
            "losses": (
                lambda: viz.top_losses(test, probabilities),
                "The images whose true class is given the least probability.",
            ),
        }
        for accuracy, empty in ((1.0, "wrong"), (0.0, "right")):
            if evaluation.accuracy == accuracy:
                del draw[empty]
        return [
            self._kept(figure(), name, words) for name, (figure, words) in draw.items()
        ]

    def of_attention(
        self, result: TrainResult, data: Splits, probabilities: Floats
    ) -> Iterator[Picture]:
        """Yield where the network looked, on some of its surest mistakes and hits."""
        hits, errors = _looked_at(data.test.labels, probabilities)
        places = np.concatenate([hits, errors])
        images = data.test.images[places]
        try:
            maps = self._viz.grad_cam(result.model, images)
        except InvalidArgument:  # a network without maps has nowhere to look
            return
        figure = self._viz.heat(images, maps, _named(data.test, places, probabilities))
        words = (
            f"Bright places spoke most for the predicted class: sure hits "
            f"({len(hits)}) and sure errors ({len(errors)})."
        )
        yield self._kept(figure, "attention", words)

    def _kept(self, figure: Any, name: str, caption: str) -> Picture:
        path = PurePosixPath(FIGURES) / f"{name}.png"
        figure.savefig(self._folder / path, dpi=_DPI, metadata={"Software": None})
        return Picture(path, caption)


def _looked_at(labels: Any, probabilities: Floats) -> tuple[Any, Any]:
    """Return places of sure hits and of sure mistakes: up to half each."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    right = probabilities[order].argmax(axis=1) == labels[order]
    half = _LOOKED_AT // 2
    return order[right][:half], order[~right][:half]


def _named(split: Split, places: Any, probabilities: Floats) -> list[str]:
    """Return the predicted classes, and of mistakes the true ones below."""
    names, guesses = split.class_names, probabilities[places].argmax(axis=1)
    return [
        names[guess] + ("" if guess == true else f"\ntrue: {names[true]}")
        for guess, true in zip(guesses, split.labels[places], strict=True)
    ]
