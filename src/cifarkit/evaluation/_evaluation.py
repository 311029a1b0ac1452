"""The result of an evaluation: a value that prints, compares and converts."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit import metrics
from cifarkit._errors import InvalidData
from cifarkit._store import write_text, writing
from cifarkit._types import Json
from cifarkit.evaluation import _record, _table
from cifarkit.evaluation._mistake import Mistake
from cifarkit.metrics._checks import checked_matrix

_PAIRS = 10


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """How well a classifier does on one split.

    What follows from the confusion matrix is computed from it, so that no two figures
    can disagree. Two evaluations are equal if all their figures are.

    Attributes:
        class_names: C different names, in label order.
        confusion: counts, int64, shape `(C, C)`, read-only: rows are true classes,
            columns predicted ones.
        loss: cross-entropy, the data term alone, in nats.
        objective: `loss` and the model's weight penalties: what Keras reports as loss.
        ece: expected calibration error, 15 bins, in [0, 1].
        top_k: share of images whose class is among the k most probable, by k (of 1, 3
            and 5 those that are at most C); read-only.
        worst: up to 20 mistakes, those of the highest confidence first.
        tta: whether each image and its mirror image were averaged.

    Raises:
        InvalidData: a value is outside its range or does not fit the others.
    """

    class_names: tuple[str, ...]
    confusion: NDArray[np.int64]
    loss: float
    objective: float
    ece: float
    top_k: Mapping[int, float]
    worst: tuple[Mistake, ...] = ()
    tta: bool = False

    def __post_init__(self) -> None:
        matrix = checked_matrix(self.confusion, self.class_names)
        matrix.setflags(write=False)
        object.__setattr__(self, "confusion", matrix)
        object.__setattr__(self, "top_k", MappingProxyType(dict(self.top_k)))
        self._check()

    @property
    def n(self) -> int:
        """Number of images."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of images whose class is predicted, in [0, 1]."""
        return int(self.confusion.trace()) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the accuracy, in [0, 1]."""
        return metrics.wilson_interval(int(self.confusion.trace()), self.n)

    @cached_property
    def per_class(self) -> tuple[metrics.ClassScore, ...]:
        """Precision, recall, F1 and support of every class, in label order."""
        return metrics.per_class(self.confusion, self.class_names)

    @cached_property
    def pairs(self) -> tuple[metrics.ConfusedPair, ...]:
        """Up to 10 pairs of classes, the most confused first."""
        return metrics.confused_pairs(self.confusion, self.class_names)[:_PAIRS]

    def to_dict(self) -> Json:
        """Return all figures as lists, numbers and strings, ready for `json.dumps`."""
        return _record.encode({key: getattr(self, key) for key in _record.KEYS})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """Return the evaluation that `to_dict` was called on, also through JSON.

        Raises:
            InvalidData: keys are missing or unknown, or `n` or `accuracy` is not that
                of the confusion matrix.
        """
        with _record.explained():
            found = cls(**_record.decode(values))
            if (found.n, found.accuracy) != (values["n"], values["accuracy"]):
                raise ValueError("n and accuracy are not those of the confusion matrix")
        return found

    def to_json(self, path: str | Path) -> None:
        """Write `to_dict` to a file, whole or not at all.

        Args:
            path: the file; one that exists is replaced.

        Raises:
            WriteError: it cannot be written.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        with writing(Path(path)):
            write_text(Path(path), text)

    def to_columns(self) -> dict[str, list[Any]]:
        """Return `per_class` by columns, as data frames are made of.

        Example:
            >>> pandas.DataFrame(evaluation.to_columns())        # doctest: +SKIP
        """
        return _record.columns(self.per_class)

    def __str__(self) -> str:
        return _table.table(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evaluation):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.class_names, self.confusion.tobytes(), self.loss))

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is built anew, so that its arrays are read-only too.
        return Evaluation.from_dict, (self.to_dict(),)

    def _check(self) -> None:
        shares = (self.ece, *self.top_k.values())
        classes = len(self.class_names)
        demands = {
            "different class names": len(set(self.class_names)) == classes,
            "at least one image": self.n > 0,
            "a finite loss from 0": 0 <= self.loss < math.inf,
            "a finite objective": math.isfinite(self.objective),
            "ece and top_k in [0, 1]": all(0 <= share <= 1 for share in shares),
            "top_k for k from 1 to C": all(1 <= k <= classes for k in self.top_k),
            "mistakes of these images": all(
                m.index < self.n and {m.true, m.predicted} <= set(self.class_names)
                for m in self.worst
            ),
        }
        missed = [demand for demand, met in demands.items() if not met]
        if missed:
            raise InvalidData(
                f"Expected an evaluation with {', '.join(missed)}; received {self!r}. "
                "Make evaluations with evaluate() or Evaluation.from_dict()."
            )
