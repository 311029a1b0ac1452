"""Whether a training, its evaluation and the images belong together."""

from collections.abc import Iterable, Sequence

import numpy as np

from cifarkit import metrics
from cifarkit._errors import InvalidArgument
from cifarkit._types import Floats
from cifarkit.datasets import Splits
from cifarkit.evaluation import Evaluation
from cifarkit.training import TrainResult

_MOST_OTHERS = 0.005
"""The largest share of test images that two engines may put elsewhere."""


def checked_notes(notes: Sequence[str] | str) -> tuple[str, ...]:
    """Return notes as a tuple of texts, of one text too.

    Raises:
        InvalidArgument: something else.
    """
    given = (notes,) if isinstance(notes, str) else notes
    if not isinstance(given, Iterable):
        given = (given,)
    texts = tuple(given)
    if not all(isinstance(each, str) for each in texts):
        raise InvalidArgument(
            f"Expected notes as texts, or one text; received {notes!r:.200}."
        )
    return texts


def check_images(result: TrainResult, evaluation: Evaluation, data: Splits) -> None:
    """Refuse other images than those that were learnt from, or other numbers of them.

    Raises:
        InvalidArgument: they are.
    """
    if evaluation.n != len(data.test):
        raise InvalidArgument(
            f"Expected the evaluation of the {len(data.test):,} test images; received "
            f"one of {evaluation.n:,}. Call evaluate(result.model, data.test)."
        )
    made = result.provenance
    for kind, key, split in (
        ("training", "n_train", data.train),
        ("validation", "n_validation", data.validation),
    ):
        if made[key] != len(split):
            raise InvalidArgument(
                f"Expected the {made[key]:,} {kind} images that fit had; received "
                f"{len(split):,}. Pass the same data."
            )
    known = made["data_digest"] and made["class_names"] == list(data.train.class_names)
    if known and made["data_digest"] != data.train.digest:
        raise InvalidArgument(
            "Expected the training images that fit had; received others of the same "
            "number. Pass the same data: of the same seed, for one."
        )


def check_rows(rows: Floats, evaluation: Evaluation, data: Splits) -> None:
    """Refuse the evaluation of another model; engines may disagree on a few images.

    Raises:
        InvalidArgument: it is.
    """
    if len(evaluation.confusion) != rows.shape[1]:
        raise InvalidArgument(
            f"Expected the evaluation of result.model, of {rows.shape[1]} classes; "
            f"received one of {len(evaluation.confusion)}. Call "
            "evaluate(result.model, data.test)."
        )
    found = metrics.confusion(
        data.test.labels, rows.argmax(axis=1), classes=rows.shape[1]
    )
    others = int(np.abs(found - evaluation.confusion).sum()) // 2
    if others > max(1, _MOST_OTHERS * evaluation.n):
        raise InvalidArgument(
            f"Expected the evaluation of result.model; received one that has {others:,}"
            f" of {evaluation.n:,} test images elsewhere in its confusion matrix. Call "
            "evaluate(result.model, data.test)."
        )
