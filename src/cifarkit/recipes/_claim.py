"""What a project reported of a model."""

from dataclasses import asdict, dataclass, field
from typing import final

from cifarkit._types import Json


@final
@dataclass(frozen=True, kw_only=True)
class Claim:
    """Figures that a project published; None where it says nothing.

    Args:
        accuracy: on its test images, in [0, 1].
        rough: the accuracy in the project's words, where they are no exact figure.
        loss: on its test images, as it was reported: with penalties or without.
        gap: training accuracy less validation accuracy, in [-1, 1].
        f1: of single classes, in [0, 1], by their names.
        penalised: whether that loss very likely holds penalties on weights.
        note: what must be known to read the figures.
    """

    accuracy: float | None = None
    rough: str = ""
    loss: float | None = None
    gap: float | None = None
    f1: dict[str, float] = field(default_factory=dict, hash=False)
    penalised: bool = False
    note: str = ""

    @property
    def told(self) -> str:
        """The accuracy, as exactly as it was claimed; empty if none was."""
        if self.accuracy is None:
            return ""
        return self.rough or f"{self.accuracy:.2%}"

    def __str__(self) -> str:
        if self.accuracy is None:
            return self.note or "nothing"
        parts = [f"{self.told} on its test images"]
        if self.loss is not None:
            kind = "loss with penalties" if self.penalised else "loss"
            parts.append(f"{kind} {self.loss:g}")
        if self.gap is not None:
            parts.append(f"gap {100 * self.gap:.2f} points")
        return ", ".join(parts) + (f" ({self.note})" if self.note else "")

    def to_dict(self) -> Json:
        """Return the figures as JSON values."""
        return asdict(self)
