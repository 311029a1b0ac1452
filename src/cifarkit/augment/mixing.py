"""MixUp and CutMix: images and targets combined with those of the neighbour."""

import functools
from dataclasses import dataclass
from typing import final

import numpy as np
from keras import ops
from scipy.special import betaincinv

from cifarkit._types import Floats, Tensor
from cifarkit.augment.bounds import amount_of
from cifarkit.augment.masks import box
from cifarkit.augment.policy import Augmentation

_CELLS = 1024


def mixup(alpha: float = 0.2) -> Augmentation:
    """Blend every image and its target with the previous one of the batch.

    The other's weight is Beta(alpha, alpha), drawn per image by inverting the
    distribution function: exactly for `alpha=1` (uniform), else by a table of 1,024
    cells, which puts the distribution function off by less than 1/1,024. Noise of 0
    changes nothing. Source: Zhang et al. 2018, arXiv:1710.09412.

    Args:
        alpha: above 0 and at most 100; small ones mostly leave an image as it is.

    Raises:
        InvalidArgument: `alpha` is out of range.
    """
    return MixUp(alpha)


def cutmix(alpha: float = 1.0) -> Augmentation:
    """Paste a box of the previous image of the batch, and mix targets by its area.

    The box covers a Beta(alpha, alpha) part of the image (see `mixup`), keeps the
    image's aspect, and has its centre anywhere in the image; the weights are those of
    the pixels that it really covers. First noise of 0 changes nothing. Source: Yun et
    al. 2019, arXiv:1905.04899.

    Args:
        alpha: above 0 and at most 100; 1 is the paper's.

    Raises:
        InvalidArgument: `alpha` is out of range.
    """
    return CutMix(alpha)


@final
@dataclass(frozen=True)
class MixUp(Augmentation):
    """A blend of two images with Beta(alpha, alpha) weights."""

    alpha: float

    def __str__(self) -> str:
        return f"mixup {self.alpha:g}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", amount_of("alpha", self.alpha, 100.0))

    @property
    def draws(self) -> int:
        """One: the weight."""
        return 1

    @property
    def mixes(self) -> bool:
        """Yes: the targets are those of two images."""
        return True

    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Blend images and targets with the same weight."""
        weight = _beta(noise, self.alpha)
        mixed = _blend(images, weight[:, :, None, None])
        return mixed, _blend(targets, weight)


@final
@dataclass(frozen=True)
class CutMix(Augmentation):
    """A box of another image, of a Beta(alpha, alpha) part of the area."""

    alpha: float

    def __str__(self) -> str:
        return f"cutmix {self.alpha:g}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", amount_of("alpha", self.alpha, 100.0))

    @property
    def draws(self) -> int:
        """Three: the area of the box and its centre."""
        return 3

    @property
    def mixes(self) -> bool:
        """Yes: the targets are those of two images."""
        return True

    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Paste the box and blend the targets by the area that it covers."""
        _, height, width, _ = images.shape
        side = ops.sqrt(_beta(noise[:, :1], self.alpha))
        pasted = box(images, noise[:, 1:], side * height, side * width)
        mixed = ops.where(pasted, _previous(images), images)
        area = ops.mean(ops.cast(pasted, "float32"), axis=(1, 2))
        return mixed, _blend(targets, area)


def _blend(values: Tensor, weight: Tensor) -> Tensor:
    return (1.0 - weight) * values + weight * _previous(values)


def _previous(values: Tensor) -> Tensor:
    # A roll, not a mirror: every item of a batch of two or more meets another one.
    return ops.roll(values, 1, axis=0)


def _beta(noise: Tensor, alpha: float) -> Tensor:
    """Turn uniform numbers into Beta(alpha, alpha) ones."""
    table = ops.convert_to_tensor(_quantiles(float(alpha)))
    cell = ops.floor(noise * _CELLS)
    index = ops.cast(cell, "int32")
    low, high = ops.take(table, index), ops.take(table, index + 1)
    return low + (high - low) * (noise * _CELLS - cell)


@functools.cache
def _quantiles(alpha: float) -> Floats:
    """Return the quantiles of Beta(alpha, alpha) at 0, 1/1024, ..., 1."""
    edges = np.linspace(0.0, 1.0, _CELLS + 1)
    values: Floats = betaincinv(alpha, alpha, edges).astype(np.float32)
    return values
