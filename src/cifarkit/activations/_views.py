"""The views of an image under which activations are kept.

A mirrored image and a plain one are all that a flip can make, so two views make a cache
that is exact: training from it sees the same images as training without it.
"""

from dataclasses import dataclass

import numpy as np

from cifarkit._types import Floats, Images, Labels
from cifarkit.augment import Policy, compose, flip


@dataclass(frozen=True)
class Views:
    """All images that a policy can make of one.

    Args:
        mirrored: whether the mirror image is one of them, beside the image itself.
    """

    mirrored: bool

    def __len__(self) -> int:
        return 2 if self.mirrored else 1

    @property
    def draws(self) -> int:
        """How many uniform numbers choose the view of one image."""
        return 1 if self.mirrored else 0

    def show(self, images: Images, view: int) -> Images:
        """Return the images as a view shows them."""
        return images[:, :, ::-1] if view else images

    def choose(self, noise: Floats) -> Labels:
        """Return the view that augmentation would choose with this noise, `(B,)`."""
        if not self.mirrored:
            return np.zeros(len(noise), np.int64)
        return (noise[:, 0] < 0.5).astype(np.int64)


def views_of(policy: Policy) -> Views | None:
    """Return the views of a policy, or None if it can make endlessly many."""
    if policy == compose(()):
        return Views(mirrored=False)
    return Views(mirrored=True) if policy == compose([flip()]) else None
