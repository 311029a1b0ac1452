"""Brightness, contrast, saturation and hue: random maps of pixel values."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from keras import ops

from cifarkit._errors import InvalidArgument
from cifarkit._types import Tensor
from cifarkit.augment.bounds import amount_of
from cifarkit.augment.policy import Augmentation


def brightness(fraction: float = 0.1) -> Augmentation:
    """Add up to `fraction` of the full range to every pixel, or take it away.

    As in Keras' `RandomBrightness`. Noise of 0.5 changes nothing; more brightens.

    Args:
        fraction: the largest change, a fraction of 255 in (0, 1].

    Raises:
        InvalidArgument: `fraction` is out of range.
    """
    return Colour(brightness=amount_of("fraction", fraction, 1.0))


def contrast(fraction: float = 0.1) -> Augmentation:
    """Scale the distance of pixels from their channel's mean by up to `1 ± fraction`.

    As in Keras' `RandomContrast`: every image and channel has its own mean. Noise of
    0.5 changes nothing; more raises the contrast.

    Args:
        fraction: the largest change of the factor, in (0, 1].

    Raises:
        InvalidArgument: `fraction` is out of range.
    """
    return Colour(contrast=amount_of("fraction", fraction, 1.0))


def color_jitter(
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> Augmentation:
    """Change brightness, contrast, saturation and hue, in this order.

    Each is drawn by itself, one number per image; 0 leaves it out and draws nothing.
    Noise of 0.5 changes nothing.

    Args:
        brightness: as in `brightness`, in [0, 1].
        contrast: as in `contrast`, in [0, 1].
        saturation: largest change of the factor on the distance of a pixel from its
            grey (the mean of its three channels), in [0, 1].
        hue: largest turn around the grey axis, a fraction of a full turn in [0, 0.5].

    Raises:
        InvalidArgument: an amount is out of range, or all are 0.

    Example:
        >>> color_jitter(brightness=0.1, saturation=0.2).draws
        2
    """
    return Colour(brightness, contrast, saturation, hue)


@final
@dataclass(frozen=True)
class Colour(Augmentation):
    """Random changes of colour, each clipped to [0, 255]; amounts of 0 are left out."""

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self._amounts().items())

    def __post_init__(self) -> None:
        for name, amount in self._amounts().items():
            most = 0.5 if name == "hue" else 1.0
            object.__setattr__(self, name, amount_of(name, amount, most))
        if not self.draws:
            raise InvalidArgument(
                "Expected an amount above 0 for brightness, contrast, saturation or "
                "hue; received 0 for all. Leave the augmentation out to have none."
            )

    @property
    def draws(self) -> int:
        """One number for each change."""
        return len(self._amounts())

    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Change the pixels; the targets stay."""
        for place, (name, amount) in enumerate(self._amounts().items()):
            change = amount * (2.0 * noise[:, place, None, None, None] - 1.0)
            images = ops.clip(_CHANGES[name](images, change), 0.0, 255.0)
        return images, targets

    def _amounts(self) -> dict[str, float]:
        return {name: value for name, value in vars(self).items() if value != 0}


def _brightness(images: Tensor, change: Tensor) -> Tensor:
    return images + 255.0 * change


def _contrast(images: Tensor, change: Tensor) -> Tensor:
    return images + change * (images - ops.mean(images, axis=(1, 2), keepdims=True))


def _saturation(images: Tensor, change: Tensor) -> Tensor:
    return images + change * (images - ops.mean(images, axis=3, keepdims=True))


def _hue(images: Tensor, change: Tensor) -> Tensor:
    """Turn around the axis (1, 1, 1) by Rodrigues' formula."""
    angle = 2.0 * math.pi * change
    colour = images - ops.mean(images, axis=3, keepdims=True)
    across = ops.roll(colour, 1, axis=3) - ops.roll(colour, -1, axis=3)
    turned = ops.cos(angle) * colour + ops.sin(angle) / math.sqrt(3.0) * across
    return images + (turned - colour)


_CHANGES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "brightness": _brightness,
        "contrast": _contrast,
        "saturation": _saturation,
        "hue": _hue,
    }
)
