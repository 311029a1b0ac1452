"""From a model and a photograph to a verdict."""

from dataclasses import dataclass

from cifarkit.prediction import Predictor


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a part.

    Attributes:
        part: the class with the largest probability.
        confidence: that probability.
        certain: whether it is large enough to leave people out of it.
    """

    part: str
    confidence: float
    certain: bool

    def __str__(self):
        return (
            f"{self.part} ({self.confidence:.0%})" if self.certain else "ask a person"
        )


class Sorter:
    """Sorts photographs by a model that was learned before.

    Args:
        model: the folder that `learn` wrote.
        sure: the least probability that needs no person.
    """

    def __init__(self, model, *, sure=0.9):
        self._predictor, self._sure = Predictor(model), sure

    def __call__(self, photograph):
        """Return the verdict on one photograph: a path, bytes, or an array."""
        found = self._predictor(photograph)
        return Verdict(found.name, found.confidence, found.confidence >= self._sure)
