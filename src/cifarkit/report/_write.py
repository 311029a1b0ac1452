"""A folder that tells how a training went: Markdown, HTML, figures, JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifarkit._errors import InvalidArgument
from cifarkit._store import write_text, writing
from cifarkit.augment import Augmentation
from cifarkit.datasets import Splits
from cifarkit.evaluation import Evaluation, probabilities
from cifarkit.report import _sections
from cifarkit.report._blocks import Block
from cifarkit.report._html import html
from cifarkit.report._markdown import markdown
from cifarkit.report._pictures import Album
from cifarkit.training import TrainResult


def write(
    folder: str | Path,
    result: TrainResult,
    evaluation: Evaluation,
    data: Splits,
    *,
    augment: Sequence[Augmentation] = (),
    claimed: Mapping[str, float | None] | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write a report of a training and of what came of it.

    Args:
        folder: where it goes; files of an earlier report there are replaced.
        result: from `fit`.
        evaluation: of the test images, from `evaluate`.
        data: the images that it was trained on, and those it was evaluated on.
        augment: augmentations to show by themselves.
        claimed: `accuracy`, `loss` or `gap` that somebody else reported, or None.
        notes: sentences for the section on limits.

    Returns:
        The folder, with `report.md` (which pandoc turns into PDF), `report.html` (one
        file, pictures inside), `report.json` and `figures/`.

    Raises:
        InvalidArgument: `folder` is a file, or training or evaluation had another
            number of images than `data`.
        MissingExtra: `pip install 'cifarkit[viz]'` is needed.
        WriteError: the folder cannot be written.

    Example:
        >>> report.write("runs/mine/report", result, evaluation, data)  # doctest: +SKIP
    """
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise InvalidArgument(f"Expected a folder; received the file {place}.")
    _check_images(result, evaluation, data)
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        album = Album(place)
        rows = probabilities(result.model, data.test.images, tta=evaluation.tta)
        blocks: list[Block] = [
            *_sections.objective(result, data, evaluation),
            *_sections.exploration(data),
            *album.of_data(data, augment),
            *_sections.architecture(result),
            *_sections.training(result),
            album.of_training(result),
            *_sections.quality(evaluation, result),
            *album.of_quality(data, evaluation, rows),
            *album.of_attention(result, data, rows),
            *(_sections.claims(claimed, evaluation, result) if claimed else ()),
            *_sections.limits(evaluation, notes),
            *_sections.deployment(result, data),
        ]
        figures = {"training": result.to_dict(), "evaluation": evaluation.to_dict()}
        write_text(place / "report.md", markdown(blocks))
        write_text(place / "report.html", html(blocks, place))
        write_text(
            place / "report.json", json.dumps(figures, indent=2, allow_nan=False) + "\n"
        )
    return place


def _check_images(result: TrainResult, evaluation: Evaluation, data: Splits) -> None:
    if evaluation.n != len(data.test):
        raise InvalidArgument(
            f"Expected the evaluation of the {len(data.test):,} test images; received "
            f"one of {evaluation.n:,}. Call evaluate(result.model, data.test)."
        )
    if (learned := result.provenance["n_train"]) != len(data.train):
        raise InvalidArgument(
            f"Expected the {learned:,} training images that the result learned from; "
            f"received {len(data.train):,}. Pass the data that fit had."
        )
