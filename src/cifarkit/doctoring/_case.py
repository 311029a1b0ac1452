"""What is looked at: a network, its data, and the trainer that will put them together.

A trainer is taken at its word: its network is built as it would be for `fit`, and its
plan is made. A plain `keras.Model` is looked at as it stands.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import keras

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Model
from cifarkit.doctoring._graph import graph_of
from cifarkit.doctoring._part import Part, parts_of
from cifarkit.training import Plan, TwoPhaseTrainer
from cifarkit.training._course import Course
from cifarkit.training._inputs import data_of


@dataclass(frozen=True)
class Case:
    """A training that has not begun.

    Args:
        model: the network; None where a trainer cannot build it.
        data: the training data as they were given.
        train: the training images, looked through.
        validation: the images to choose by, or None.
        test: the images to test on, or None.
        course: what a trainer was told; None for a plain model.
        plan: what a trainer would do, or None.
        refusal: the error with which a trainer would refuse to begin, or None.
    """

    model: Model | None
    data: Any
    train: Part
    validation: Part | None
    test: Part | None
    course: Course | None = None
    plan: Plan | None = None
    refusal: Exception | None = None

    @property
    def plain(self) -> Model | None:
        """The user's own Keras model, or None if there is a trainer."""
        return self.model if self.course is None else None

    @property
    def graph(self) -> Model | None:
        """The network, if its layers form a graph that can be followed."""
        return graph_of(self.model)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the data that there are."""
        return tuple(part for part in (self.train, self.validation, self.test) if part)


def case_of(subject: Any, data: Any, validation: Any, *, timed: bool) -> Case:
    """Return the case of a trainer or a model and its data.

    Args:
        subject: a `TwoPhaseTrainer`, or a `keras.Model`.
        data: what it is to be fitted to.
        validation: images to choose by, or None.
        timed: whether a trainer's plan is measured.

    Raises:
        InvalidArgument: the subject or the data are something else.
        InvalidData: there are no images.
    """
    if not isinstance(subject, TwoPhaseTrainer | keras.Model):
        raise InvalidArgument(
            "Expected a TwoPhaseTrainer or a keras.Model; received "
            f"{type(subject).__name__}."
        )
    parts = {part.name: part for part in parts_of(data, validation)}
    looked = {
        "data": data,
        "train": parts["training"],
        "validation": parts.get("validation"),
        "test": parts.get("test"),
    }
    if isinstance(subject, keras.Model):
        return Case(model=subject, **looked)
    with warnings.catch_warnings():
        # CK108 says it, for every network.
        warnings.filterwarnings("ignore", message=".* to a single point")
        built = _built(subject, data, validation, timed)
    return Case(course=subject.course, **looked, **built)


def _built(
    trainer: TwoPhaseTrainer, data: Any, validation: Any, timed: bool
) -> dict[str, Any]:
    """Return the network and the plan, as far as a trainer can make them."""
    whole = trainer.course.backbone if trainer.course.head is None else None
    made: dict[str, Any] = {"model": whole, "plan": None, "refusal": None}
    try:
        given = data_of(data, validation)
        made["model"] = trainer.course.network(given).model
        made["plan"] = trainer.plan(data, validation=validation, timed=timed)
    except (InvalidArgument, InvalidData) as error:
        made["refusal"] = error
    return made
