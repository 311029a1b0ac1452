"""What activations are kept in: exact, rounded, or whole numbers with a scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import TrainingError
from cifarkit._types import Floats

Parts = Mapping[str, NDArray[Any]]
"""Arrays that together hold a batch of activations."""

_STEPS = 127  # of a signed byte, on each side of zero


@dataclass(frozen=True)
class Codec:
    """How the activations of one image become arrays, and back.

    Args:
        dtype: as in `Cache`.
        shape: of what is kept of one image.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def layout(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of the arrays of one image."""
        if self._scaled:
            scales = (*(1 for _ in self.shape[:-1]), self.shape[-1])
            return {"values": ("int8", self.shape), "scales": ("float32", scales)}
        stored = {"bfloat16": "uint16", "int8": "float16"}.get(self.dtype, self.dtype)
        return {"values": (stored, self.shape)}

    @property
    def nbytes(self) -> int:
        """Bytes of one image."""
        return sum(
            np.dtype(dtype).itemsize * prod(shape)
            for dtype, shape in self.layout.values()
        )

    @property
    def _scaled(self) -> bool:
        return self.dtype == "int8" and len(self.shape) > 1

    def encode(self, values: Floats) -> dict[str, NDArray[Any]]:
        """Return the arrays of a batch, `(B, *shape)`.

        Raises:
            TrainingError: a value is no number, or too large for the type.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # refused just below
            parts = self._encoded(values)
            fits = np.isfinite(self.decode(parts)).all()
        if not fits:
            wider = self.dtype != "bfloat16" and np.isfinite(values).all()
            raise TrainingError(
                f"Expected activations that fit {self.dtype}; received a value beyond "
                "its range or a NaN. Look at the images and the preprocessing of the "
                f"backbone{', or keep them in bfloat16' if wider else ''}."
            )
        return parts

    def decode(self, parts: Parts) -> NDArray[Any]:
        """Return the activations of a batch, `(B, *shape)`, float16 or float32."""
        values = parts["values"]
        if self._scaled:
            return np.multiply(values, parts["scales"])
        if self.dtype == "bfloat16":
            return np.asarray(values.view(ml_dtypes.bfloat16), np.float32)
        return values

    def _encoded(self, values: Floats) -> dict[str, NDArray[Any]]:
        if self._scaled:
            return _quantized(values, over=range(1, values.ndim - 1))
        if self.dtype == "bfloat16":
            rounded = values.astype(ml_dtypes.bfloat16)
            return {"values": rounded.view(np.uint16)}
        stored, _ = self.layout["values"]
        return {"values": values.astype(stored)}


def _quantized(values: Floats, over: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Return whole numbers and their scales; the largest value of each is exact."""
    largest = np.abs(values).max(axis=tuple(over), keepdims=True)
    scales = np.maximum(largest / _STEPS, np.finfo(np.float32).tiny).astype(np.float32)
    # A scale that is no number is refused later; its whole numbers may be any.
    whole = np.nan_to_num(np.rint(values / scales))
    return {"values": whole.astype(np.int8), "scales": scales}
