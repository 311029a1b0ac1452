"""A folder that tells how a training went: Markdown, HTML, figures, JSON."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cifarkit import _store
from cifarkit._errors import InvalidArgument
from cifarkit.augment import Augmentation
from cifarkit.datasets import Splits
from cifarkit.evaluation import Evaluation, probabilities
from cifarkit.report._blocks import Block
from cifarkit.report._calibrated import calibrated, calibration
from cifarkit.report._checks import check_images, check_rows, checked_notes
from cifarkit.report._claims import check_claims, claims
from cifarkit.report._course import training
from cifarkit.report._html import html
from cifarkit.report._markdown import markdown
from cifarkit.report._network import architecture
from cifarkit.report._opening import exploration, objective
from cifarkit.report._pictures import FIGURES, NAMES, Album
from cifarkit.report._quality import limits, quality
from cifarkit.report._record import record
from cifarkit.report._twins import Twin, apart, check_twins, near_twins
from cifarkit.report._use import deployment
from cifarkit.training import TrainResult


def write(
    folder: str | Path,
    result: TrainResult,
    evaluation: Evaluation,
    data: Splits,
    *,
    augment: Sequence[Augmentation] = (),
    claimed: Mapping[str, Any] | None = None,
    twins: Sequence[Twin] | None = None,
    notes: Sequence[str] | str = (),
) -> Path:
    """Write a report of a training and of what came of it.

    Args:
        folder: where it goes; an earlier report there is replaced once this one is
            whole.
        result: from `fit`.
        evaluation: of the test images, from `evaluate`.
        data: the images that it was trained on, and those it was evaluated on.
        augment: augmentations to show by themselves.
        claimed: `accuracy` in [0, 1], `loss`, `gap` in [-1, 1], or `f1` of classes of
            the evaluation by their names, that somebody else reported, or None;
            `Claim.to_dict()` of a recipe, too.
        twins: of training and test images, from `doctoring.twins`, so that the report
            tells the accuracy without them; None if they were not searched for.
        notes: sentences for the section on limits, or one.

    Returns:
        The folder, with `report.md` (which pandoc turns into PDF), `report.html` (one
        file, pictures inside), `report.json` and `figures/`.

    Raises:
        InvalidArgument: `folder` is a file; training or evaluation had other images
            than `data`; the evaluation is that of another model; twins that are not
            among the test images; notes that are no texts; or a claim of an unknown
            figure, or outside of what it can be.
        MissingExtra: `pip install 'cifarkit[viz]'` is needed.
        WriteError: the folder cannot be written.

    Example:
        >>> report.write("runs/mine/report", result, evaluation, data)  # doctest: +SKIP
    """
    notes = checked_notes(notes)
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise InvalidArgument(f"Expected a folder; received the file {place}.")
    check_images(result, evaluation, data)
    check_claims(claimed, evaluation.class_names)
    check_twins(twins, len(data.test))
    rows = probabilities(result.model, data.test.images, tta=evaluation.tta)
    check_rows(rows, evaluation, data)
    softer = calibrated(result, evaluation, data, rows)
    rest = apart(twins, data.test.labels, rows)
    with _store.writing(place), _whole(place) as part:
        album = Album(part)
        blocks: list[Block] = [
            *objective(result, data, evaluation),
            *exploration(data),
            *album.of_data(data, augment),
            *architecture(result),
            *training(result),
            album.of_training(result),
            *quality(evaluation),
            *calibration(softer, evaluation),
            *album.of_quality(data, evaluation, rows),
            *album.of_attention(result, data, rows),
            *near_twins(rest),
            *claims(claimed or {}, evaluation, result),
            *limits(evaluation, notes),
            *deployment(data),
        ]
        told = record(
            *(result, evaluation, data),
            claimed=claimed,
            calibrated=softer,
            apart=rest,
            notes=notes,
        )
        _store.write_text(part / "report.md", markdown(blocks))
        _store.write_text(part / "report.html", html(blocks, part))
        _store.write_text(part / "report.json", told)
    return place


@contextmanager
def _whole(place: Path) -> Iterator[Path]:
    """Give a folder for the files of a report; they take their places together."""
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=place) as beside:
        part = Path(beside)
        yield part
        (place / FIGURES).mkdir(exist_ok=True)
        drawn = {path.name for path in (part / FIGURES).iterdir()}
        for path in (each for each in part.rglob("*") if each.is_file()):
            _store.place(path, place / path.relative_to(part))
        for name in set(NAMES) - drawn:
            (place / FIGURES / name).unlink(missing_ok=True)
