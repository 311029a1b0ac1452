"""A model's probabilities for images, as they are needed for pictures and tests."""

from cifarkit._types import Floats, Images, Model
from cifarkit.evaluation._predict import predict


def probabilities(model: Model, images: Images, *, tta: bool = False) -> Floats:
    """Return the probabilities of each class for each image, in bounded memory.

    Args:
        model: a `keras.Model` from RGB images, shape `(N, H, W, 3)`, values in
            [0, 255], to probabilities.
        images: uint8, shape `(N, H, W, 3)`.
        tta: average over each image and its mirror image.

    Returns:
        float32, shape `(N, C)`; each row sums to 1.

    Raises:
        InvalidArgument: `model` is no `keras.Model`.
        InvalidData: these are no such images, the model takes others, or it gives no
            probabilities.

    Example:
        >>> probabilities(result.model, data.test.images).shape  # doctest: +SKIP
        (10000, 10)
    """
    return predict(model, images, classes=None, tta=tta)
