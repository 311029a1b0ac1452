"""Flip, shift, crop, rotation and zoom: random affine maps."""

from dataclasses import dataclass
from typing import final, get_args

from cifarkit._registry import require_known
from cifarkit._types import Tensor
from cifarkit.augment.bounds import amount_of, pixels_of
from cifarkit.augment.moves import Move, product
from cifarkit.augment.policy import Augmentation
from cifarkit.augment.sampling import Fill, sample


def flip() -> Augmentation:
    """Mirror left and right with probability 1/2. Noise of 0.5 or more changes nothing.

    Example:
        >>> flip().draws
        1
    """
    return Geometric((Move("flip"),))


def shift(fraction: float = 0.1, *, fill: Fill = "reflect") -> Augmentation:
    """Move by up to `fraction` of the height and of the width, each way.

    Uniform and not rounded to pixels, as in Keras' `RandomTranslation`. Noise of 0.5
    changes nothing; more moves right and down.

    Args:
        fraction: the longest move, a fraction of the side in (0, 1].
        fill: what lies outside: "reflect", "constant" (black) or "nearest".

    Raises:
        InvalidArgument: an argument is out of range; UnknownName: an unknown fill.
    """
    amount = amount_of("fraction", fraction, 1.0)
    return Geometric((Move("shift", amount),), fill)


def crop(padding: int = 4, *, fill: Fill = "reflect") -> Augmentation:
    """Pad every side and crop a random window of the old size.

    That is a move by a whole number of pixels in [-padding, padding], which is exact.
    Noise of 0.5 changes nothing. Source: He et al. 2016, arXiv:1512.03385, section 4.2
    (whose padding is black: `fill="constant"`).

    Args:
        padding: pixels added at every side.
        fill: what the padding holds: "reflect", "constant" (black) or "nearest".

    Raises:
        InvalidArgument: an argument is out of range; UnknownName: an unknown fill.
    """
    return Geometric((Move("crop", pixels_of("padding", padding)),), fill)


def rotation(fraction: float = 0.1, *, fill: Fill = "reflect") -> Augmentation:
    """Turn around the centre by up to `fraction` of a full turn, each way.

    As in Keras' `RandomRotation`, 0.1 is up to 36 degrees, not 10 %. Noise of 0.5
    changes nothing; more turns counter-clockwise.

    Args:
        fraction: the largest turn, a fraction of 360 degrees in (0, 0.5].
        fill: what lies outside: "reflect", "constant" (black) or "nearest".

    Raises:
        InvalidArgument: an argument is out of range; UnknownName: an unknown fill.
    """
    amount = amount_of("fraction", fraction, 0.5)
    return Geometric((Move("rotation", amount),), fill)


def zoom(fraction: float = 0.1, *, fill: Fill = "reflect") -> Augmentation:
    """Show between `1 - fraction` and `1 + fraction` times the height and width.

    The aspect stays, as in Keras' `RandomZoom`. Noise of 0.5 changes nothing; more
    zooms out.

    Args:
        fraction: the largest change of the visible side, in (0, 0.9].
        fill: what lies outside: "reflect", "constant" (black) or "nearest".

    Raises:
        InvalidArgument: an argument is out of range; UnknownName: an unknown fill.
    """
    amount = amount_of("fraction", fraction, 0.9)
    return Geometric((Move("zoom", amount),), fill)


@final
@dataclass(frozen=True)
class Geometric(Augmentation):
    """Moves whose matrices are multiplied, so that pixels are interpolated once."""

    moves: tuple[Move, ...]
    fill: Fill | None = None  # None: no move of these looks outside the image

    def __str__(self) -> str:
        filled = "" if self.fill in (None, "reflect") else f" ({self.fill} fill)"
        return ", ".join(map(str, self.moves)) + filled

    def __post_init__(self) -> None:
        fills, inside = get_args(Fill), all(each.kind == "flip" for each in self.moves)
        if self.fill is not None or not inside:
            require_known("fill", self.fill, fills, "cifarkit.augment.crop")

    @property
    def draws(self) -> int:
        """How many uniform numbers all moves need together."""
        return sum(move.draws for move in self.moves)

    def joined(self, following: Augmentation) -> Augmentation | None:
        """Return both as one, unless they disagree on what lies outside."""
        if not isinstance(following, Geometric):
            return None
        if None not in (self.fill, following.fill) and self.fill != following.fill:
            return None
        return Geometric(self.moves + following.moves, self.fill or following.fill)

    def __call__(
        self, images: Tensor, targets: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Sample the images once; the targets stay."""
        _, height, width, _ = images.shape
        inverse, start = None, 0
        for move in self.moves:
            stop = start + move.draws
            step = move.inverse(noise[:, start:stop], height, width)
            # The last move made is the first undone, so later ones multiply inside.
            inverse = step if inverse is None else product(inverse, step)
            start = stop
        whole = all(move.whole for move in self.moves)
        return sample(images, inverse, self.fill or "nearest", whole=whole), targets
