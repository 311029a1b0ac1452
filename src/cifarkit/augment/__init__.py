"""Augmentations at native size, as pure functions of uniform noise.

An augmentation is a frozen value that says how many uniform numbers it needs per image
and maps `(images, targets, noise)` to `(images, targets)`. It holds no random state:
the same noise gives the same images, so a resumed run repeats an uninterrupted one.
Everything is `keras.ops` with static shapes, so it compiles into the training step
under a TensorFlow graph, XLA and `jax.jit`.

Example:
    >>> policy = compose([flip(), crop(4)])
    >>> policy.draws
    3
"""

from cifarkit.augment.colour import brightness, color_jitter, contrast
from cifarkit.augment.geometry import crop, flip, rotation, shift, zoom
from cifarkit.augment.masks import cutout
from cifarkit.augment.mixing import cutmix, mixup
from cifarkit.augment.policy import Augmentation, Policy, compose

__all__ = [
    "Augmentation",
    "Policy",
    "brightness",
    "color_jitter",
    "compose",
    "contrast",
    "crop",
    "cutmix",
    "cutout",
    "flip",
    "mixup",
    "rotation",
    "shift",
    "zoom",
]
