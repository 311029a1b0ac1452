"""One wrong prediction."""

from dataclasses import dataclass
from typing import final

from cifarkit._errors import InvalidData


@final
@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An image whose predicted class is not the true one.

    Attributes:
        index: the image's place in the split, from 0.
        true: name of the true class.
        predicted: name of the predicted class.
        confidence: probability of the predicted class, in [0, 1].

    Raises:
        InvalidData: the index is negative, both names are the same, or the confidence
            is outside [0, 1].
    """

    index: int
    true: str
    predicted: str
    confidence: float

    def __post_init__(self) -> None:
        if self.index < 0 or self.true == self.predicted or not self._sure():
            raise InvalidData(
                "Expected an index from 0, two names and a confidence in [0, 1]; "
                f"received {self!r}. Make mistakes with evaluate()."
            )

    def _sure(self) -> bool:
        return 0 <= self.confidence <= 1
