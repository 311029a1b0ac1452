"""The five random affine maps, each undone by a matrix."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, final

from keras import ops

from cifarkit._types import Tensor

Kind: TypeAlias = Literal["flip", "shift", "crop", "rotation", "zoom"]


@final
@dataclass(frozen=True)
class Move:
    """One random affine map: its kind and how far it goes."""

    kind: Kind
    amount: float = 1.0

    def __str__(self) -> str:
        return self.kind if self.kind == "flip" else f"{self.kind} {self.amount:g}"

    @property
    def draws(self) -> int:
        """How many uniform numbers it needs per image."""
        return _MAPS[self.kind].draws

    @property
    def whole(self) -> bool:
        """Whether it sends pixel centres to pixel centres."""
        return _MAPS[self.kind].whole

    def inverse(self, noise: Tensor, height: int, width: int) -> Tensor:
        """Return the matrix that leads from an output pixel back to its source.

        Args:
            noise: uniform numbers in [0, 1), float32, `(B, draws)`.
            height: of the images, in pixels.
            width: of the images, in pixels.

        Returns:
            float32 `(B, 3, 3)`, for columns (x, y, 1) in pixels from the centre.
        """
        return _MAPS[self.kind].inverse(noise, self.amount, height, width)


def product(left: Tensor, right: Tensor) -> Tensor:
    """Multiply `(B, 3, 3)` by `(B, 3, 3)` without the rounding of a GPU's matmul."""
    return ops.sum(left[:, :, :, None] * right[:, None, :, :], axis=2)


def _flip(noise: Tensor, amount: float, height: int, width: int) -> Tensor:
    return _matrix(ops.where(noise[:, 0] < 0.5, -1.0, 1.0), 0, 0, 0, 1, 0)


def _shift(noise: Tensor, amount: float, height: int, width: int) -> Tensor:
    right, down = _spread(noise[:, 0], amount), _spread(noise[:, 1], amount)
    return _matrix(1, 0, -right * width, 0, 1, -down * height)


def _crop(noise: Tensor, amount: float, height: int, width: int) -> Tensor:
    moves = ops.floor(noise * (2.0 * amount + 1.0)) - amount
    return _matrix(1, 0, -moves[:, 0], 0, 1, -moves[:, 1])


def _rotation(noise: Tensor, amount: float, height: int, width: int) -> Tensor:
    angle = _spread(noise[:, 0], 2.0 * math.pi * amount)
    cos, sin = ops.cos(angle), ops.sin(angle)
    return _matrix(cos, -sin, 0, sin, cos, 0)


def _zoom(noise: Tensor, amount: float, height: int, width: int) -> Tensor:
    factor = 1.0 + _spread(noise[:, 0], amount)
    return _matrix(factor, 0, 0, 0, factor, 0)


def _spread(noise: Tensor, amount: float) -> Tensor:
    """Stretch [0, 1) to [-amount, amount), with 0 exactly at 0.5."""
    return (2.0 * noise - 1.0) * amount


def _matrix(*rows: Tensor) -> Tensor:
    """Build `(B, 3, 3)` from the two upper rows: numbers, and tensors `(B,)`."""
    zero = next(0.0 * entry for entry in rows if not isinstance(entry, int))
    entries = [zero + entry for entry in (*rows, 0, 0, 1)]
    return ops.reshape(ops.stack(entries, axis=-1), (-1, 3, 3))


class _Map(NamedTuple):
    draws: int
    whole: bool
    inverse: Callable[[Tensor, float, int, int], Tensor]


_MAPS: Mapping[Kind, _Map] = MappingProxyType(
    {
        "flip": _Map(1, True, _flip),
        "shift": _Map(2, False, _shift),
        "crop": _Map(2, True, _crop),
        "rotation": _Map(1, False, _rotation),
        "zoom": _Map(1, False, _zoom),
    }
)
