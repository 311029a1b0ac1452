"""Dust on the lens, for training: an augmentation of this project's own."""

from dataclasses import dataclass

from keras import ops

from cifarkit.augment import Augmentation

SPOTS = 8


@dataclass(frozen=True)
class Speckles(Augmentation):
    """Blackens eight small squares of each image, at random places.

    Args:
        share: half the side of a square, as a share of the image's side, in (0, 0.5).
    """

    share: float

    @property
    def draws(self):
        """Two numbers for each spot: its row and its column."""
        return 2 * SPOTS

    def __call__(self, images, targets, noise):
        """Blacken the pixels next to each spot; targets stay."""
        height, width = images.shape[1:3]
        rows = ops.arange(height, dtype="float32")[None, :, None] / height
        columns = ops.arange(width, dtype="float32")[None, None, :] / width
        for spot in range(SPOTS):
            row, column = noise[:, spot], noise[:, SPOTS + spot]
            near = ops.abs(rows - row[:, None, None]) < self.share
            near = near & (ops.abs(columns - column[:, None, None]) < self.share)
            images = ops.where(near[..., None], 0.0, images)
        return images, targets
