"""Arrays as a `tf.data.Dataset`: the one place of this room that meets TensorFlow."""

from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_whole
from cifarkit._types import Images, Labels, Tensor


def pipeline(
    images: Images,
    labels: Labels,
    *,
    size: int,
    classes: int,
    batch_size: int,
    seed: int | None,
    scale: int,
) -> Any:
    """Return batches of resized images and their labels, prefetched.

    Only positions are shuffled, so that the buffer can hold them all: every order is
    as likely as any other, and no image is copied before its batch is made.

    Args:
        images: uint8, shape `(N, H, W, 3)`.
        labels: int64, shape `(N,)`.
        size: side of the images in the batches, in pixels.
        classes: length of one-hot labels, or 0 for numbers.
        batch_size: images per batch, at least 1.
        seed: of the shuffle, or None for the order of the arrays.
        scale: 255 or 1, upper end of the pixel range.

    Raises:
        InvalidArgument: `batch_size` or `scale` is out of range.
    """
    _check(batch_size, scale)
    import tensorflow as tf

    # Kept in host memory: constants of this size have no place on an accelerator.
    with tf.device("CPU"):
        pixels, numbers = tf.constant(images), tf.constant(labels)

    def batch(positions: Tensor) -> tuple[Tensor, Tensor]:
        chosen = tf.cast(tf.gather(pixels, positions), tf.float32)
        if images.shape[1:3] != (size, size):
            chosen = tf.image.resize(chosen, (size, size), method="bilinear")
        target = tf.gather(numbers, positions)
        if classes:
            target = tf.one_hot(target, classes)
        return (chosen / 255 if scale == 1 else chosen), target

    positions = tf.data.Dataset.range(len(images))
    if seed is not None:
        positions = positions.shuffle(max(len(images), 1), seed=seed)
    batches = positions.batch(batch_size).map(
        batch, num_parallel_calls=tf.data.AUTOTUNE
    )
    return batches.prefetch(2)


def _check(batch_size: int, scale: int) -> None:
    require_whole("batch_size", batch_size)
    if scale not in (255, 1):
        raise InvalidArgument(
            f"Expected scale=255 (pixels in [0, 255]) or scale=1 (in [0, 1]); received "
            f"{scale}. cifarkit's own models take 255."
        )
