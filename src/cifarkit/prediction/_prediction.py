"""What a classifier says of one image."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from cifarkit._numbers import require_whole
from cifarkit._types import Json


@final
@dataclass(frozen=True, eq=False)
class Prediction:
    """The probabilities of all classes for one image.

    Attributes:
        probabilities: by class name, in label order, each in [0, 1]; read-only.
    """

    probabilities: Mapping[str, float]

    def __post_init__(self) -> None:
        fixed = MappingProxyType(dict(self.probabilities))
        object.__setattr__(self, "probabilities", fixed)

    @property
    def name(self) -> str:
        """The most probable class; of equal ones the first."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of that class."""
        return self.probabilities[self.name]

    def top(self, k: int = 3) -> tuple[tuple[str, float], ...]:
        """Return the `k` most probable classes with their probabilities, best first.

        Raises:
            InvalidArgument: `k` is no whole number from 1.
        """
        require_whole("k", k)
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return tuple(ranked[:k])

    def to_dict(self) -> Json:
        """Return what the HTTP services answer."""
        return {
            "predicted_class": self.name,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
        }

    def __str__(self) -> str:
        return ", ".join(f"{name} {share:.1%}" for name, share in self.top(3))
