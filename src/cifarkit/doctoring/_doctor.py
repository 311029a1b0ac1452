"""All looks at a training, one after the other, each leaving it as it was."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cifarkit.doctoring import (
    _calls,
    _forecast,
    _frozen,
    _images,
    _pipelines,
    _ranges,
    _rates,
    _shapes,
    _targets,
)
from cifarkit.doctoring._case import Case, case_of
from cifarkit.doctoring._finding import Diagnosis, Finding

_LOOKS = (
    _frozen.changed_after_compile,
    _frozen.batch_norm,
    _ranges.input_range,
    _targets.labels,
    _targets.logits,
    _pipelines.before_cache,
    _images.duplicates,
    _shapes.tiny_map,
    _rates.rate,
    _forecast.forecast,
    _images.no_validation,
    _images.unbalanced,
    _calls.called_in_training,
)

_EXPLAIN = ("CK103", "CK104", "CK111")  # why a trainer may refuse


def doctor(
    trainer_or_model: Any, data: Any, *, validation: Any = None, timed: bool = False
) -> Diagnosis:
    """Look for what would harm a training, before it is begun.

    Nothing is trained and nothing is changed: weights, `trainable` flags, what
    `compile` made and the states of random generators stay as they are. A
    `tf.data.Dataset` is read (with a trainer more than once), so one that is shuffled
    has another order next.

    Args:
        trainer_or_model: a `TwoPhaseTrainer`, whose network is built as for `fit` and
            thrown away; or a `keras.Model` of your own, compiled or not.
        data: `Splits`; or `(images, labels)`, images of shape `(N, H, W, 3)`; or a
            batched `tf.data.Dataset` of such pairs, of which the first 10,000 images
            are read. A plain model is taken to be fed with what is given here; images
            of `Splits` in RGB from 0 to 255, at the size that the model takes.
        validation: a pair or a data set, where `data` are not `Splits`.
        timed: whether a trainer's steps are measured; see `TwoPhaseTrainer.plan`.

    Returns:
        The findings, each with a code that the documentation explains.

    Raises:
        InvalidArgument: neither a trainer nor a model, or data of another kind.
        InvalidData: no images, images of another shape, or labels of another number.
        SourceError: the weights of a trainer's backbone could not be had.

    Example:
        >>> print(doctor(trainer, datasets.cifar10(size=160)))  # doctest: +SKIP
    """
    with _unmoved():
        case = case_of(trainer_or_model, data, validation, timed=timed)
        found = [finding for look in _LOOKS for finding in look(case)]
        found += _refusal(case, found)
        found += _unseen(case)
    return Diagnosis(tuple(found))


def _refusal(case: Case, found: list[Finding]) -> Iterator[Finding]:
    """CK100: the trainer refuses, and no other finding says why."""
    explained = any(
        each.severity == "error" and each.code in _EXPLAIN for each in found
    )
    if case.refusal and not explained:
        yield Finding(
            "CK100",
            "error",
            "fit would refuse to begin",
            str(case.refusal),
            "Change what the error names, then run doctor again: other checks need it.",
        )


def _unseen(case: Case) -> Iterator[Finding]:
    """CK113: what could not be looked at."""
    unseen = []
    if case.plain is not None and case.graph is None:
        unseen.append("The network is no built functional or sequential model.")
    elif case.graph is not None:
        unseen += [
            f"The network does not take {part.name} images of this shape."
            for part in case.parts
            if _shapes.fitting(case.graph, part) is None
        ]
    if any(not part.complete for part in case.parts):
        unseen.append("Only the first images of the data set were read.")
    if _pipelines.calls_python(case):
        unseen.append("The data set calls Python code before .cache().")
    if unseen:
        yield Finding(
            "CK113",
            "note",
            "Not everything was looked at",
            " ".join(unseen),
            "These parts were not checked; look at them yourself.",
        )


@contextmanager
def _unmoved() -> Iterator[None]:
    """Put Python's random state back: each layer without a seed draws one from it."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
