"""Model and split in, evaluation out."""

from typing import Protocol, TypeAlias

import numpy as np

from cifarkit import metrics
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Floats, Images, Labels, Model
from cifarkit.evaluation._evaluation import Evaluation
from cifarkit.evaluation._mistake import Mistake
from cifarkit.evaluation._predict import check_images, penalties, predict
from cifarkit.metrics._checks import check_lengths, checked_labels

_KS = (1, 3, 5)
_WORST = 20


class LabelledImages(Protocol):
    """What `evaluate` needs of a split; `cifarkit.datasets.Split` has it."""

    @property
    def images(self) -> Images:
        """RGB images, uint8, shape `(N, H, W, 3)`, values in [0, 255]."""

    @property
    def labels(self) -> Labels:
        """Class numbers, int64, shape `(N,)`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name for each class, in label order."""


Names: TypeAlias = tuple[str, ...]


def evaluate(
    model: Model, split: LabelledImages | tuple[Images, Labels], *, tta: bool = False
) -> Evaluation:
    """Measure a classifier on images with known classes.

    The images go through the model in batches at their native size, so memory does not
    grow with the size that the model resizes to.

    Args:
        model: a `keras.Model` from RGB images, shape `(N, H, W, 3)`, values in
            [0, 255], to probabilities, shape `(N, C)`.
        split: images, labels and class names, or a tuple `(images, labels)`, whose
            classes are then named by their numbers. Images are uint8, shape
            `(N, H, W, 3)`; labels are integers, shape `(N,)`.
        tta: average the probabilities of each image and of its mirror image
            (test-time augmentation); takes twice the time.

    Returns:
        Accuracy with its interval, losses, scores of every class, confusions,
        calibration and the worst mistakes.

    Raises:
        InvalidArgument: `model` or `split` is another kind of thing.
        InvalidData: images, labels and model do not fit each other, or the model gives
            no probabilities; the text says which and what to do.

    Example:
        >>> evaluation = evaluate(result.model, data.test)       # doctest: +SKIP
        >>> evaluation.accuracy, evaluation.interval             # doctest: +SKIP
        (0.9502, (0.9458, 0.9543))
    """
    images, labels, names = _parts(split)
    probabilities = predict(model, images, classes=_count(names), tta=tta)
    classes = probabilities.shape[1]
    loss = metrics.cross_entropy(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    if names is None:
        names = tuple(str(number) for number in range(classes))
    return Evaluation(
        class_names=names,
        confusion=metrics.confusion(labels, predicted, classes=classes),
        loss=loss,
        objective=loss + penalties(model),
        ece=metrics.calibration_error(labels, probabilities),
        top_k={
            k: metrics.top_k(labels, probabilities, k=k) for k in _KS if k <= classes
        },
        worst=_worst(labels, probabilities, names),
        tta=tta,
    )


def _parts(
    split: LabelledImages | tuple[Images, Labels],
) -> tuple[Images, Labels, Names | None]:
    """Return images, labels and names (none for a tuple), each checked."""
    names: Names | None = None
    if isinstance(split, tuple) and len(split) == 2:
        images, labels = split
    elif all(hasattr(split, name) for name in ("images", "labels", "class_names")):
        images, labels, names = split.images, split.labels, tuple(split.class_names)
    else:
        raise InvalidArgument(
            "Expected a split with images, labels and class_names, or a tuple "
            f"(images, labels); received {type(split).__name__}. "
            "Of several splits give one, such as data.test."
        )
    _check_names(names)
    check_images(images)
    labels = checked_labels(labels, classes=_count(names))
    check_lengths(images=len(images), labels=len(labels))
    return images, labels, names


def _count(names: Names | None) -> int | None:
    return None if names is None else len(names)


def _check_names(names: Names | None) -> None:
    if names is not None and len(set(names)) < max(1, len(names)):
        raise InvalidData(
            f"Expected different class names, at least one; received {names}. "
            "Give the names of all classes, in label order."
        )


def _worst(labels: Labels, probabilities: Floats, names: Names) -> tuple[Mistake, ...]:
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return tuple(
        Mistake(
            index=int(i),
            true=names[labels[i]],
            predicted=names[predicted[i]],
            confidence=min(1.0, float(confidence[i])),
        )
        for i in order[:_WORST]
    )
