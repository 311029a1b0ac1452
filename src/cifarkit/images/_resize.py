"""Images of another size."""

import numpy as np
from PIL import Image

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole
from cifarkit._types import Images


def resize(image: Images, size: int | tuple[int, int]) -> Images:
    """Resize one image; the one way in which images from files are resized.

    Bicubic, as networks of this library resize, but with the filter widened when it
    shrinks, so that fine texture does not alias. The sides are scaled independently:
    nothing is cropped and nothing is padded.

    Args:
        image: uint8, shape `(H, W, 3)`, values in [0, 255].
        size: side of the result, or its height and width, in pixels.

    Returns:
        uint8, shape `(size, size, 3)` or `(*size, 3)`.

    Raises:
        InvalidArgument: `image` is not such an array, or a side is below 1.

    Example:
        >>> resize(np.zeros((48, 64, 3), np.uint8), 32).shape
        (32, 32, 3)
    """
    kind = getattr(image, "dtype", type(image).__name__)
    shape: tuple[int, ...] = getattr(image, "shape", ())
    if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise InvalidArgument(
            "Expected one RGB image, uint8, shape (H, W, 3); received "
            f"{kind}, shape {shape}. "
            "Read files with cifarkit.images.decode."
        )
    sides = size if isinstance(size, tuple) else (size, size)
    if len(sides) != 2 or not all(is_whole(side, least=1) for side in sides):
        raise InvalidArgument(
            "Expected a side, or a height and a width, of at least 1 pixel; received "
            f"{size!r}. Give whole numbers."
        )
    height, width = sides
    if image.shape[:2] == (height, width):
        return image.copy()
    made = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(made)
