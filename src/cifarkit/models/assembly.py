"""A backbone and a head, put together for images of any size."""

import keras

from cifarkit._errors import InvalidArgument
from cifarkit._types import Model
from cifarkit.models.resizing import for_xla


def assemble(
    backbone_model: Model,
    head_model: Model,
    *,
    native: tuple[int, int] | None = None,
    interpolation: str = "bicubic",
) -> Model:
    """Put resize, backbone and head into one model for raw images.

    Args:
        backbone_model: from RGB float images `(B, size, size, 3)` in [0, 255] to a
            feature map; its preprocessing is inside.
        head_model: from that feature map to class probabilities.
        native: height and width of the images, or None to take any.
        interpolation: how pixels are made when images are resized, as in
            `keras.layers.Resizing`.

    Returns:
        A `keras.Model` named "classifier": RGB `(B, H, W, 3)` in [0, 255], integers or
        floats, to probabilities `(B, C)`. Its layers are "images", "resize" (without
        antialiasing, in float32 under every precision policy) and the two models under
        their own names, whose weights it shares.

    Raises:
        InvalidArgument: the backbone has no fixed size, the head does not fit to it, or
            the two have one name.

    Example:
        >>> model = assemble(backbone.build(), head, native=(32, 32))  # doctest: +SKIP
        >>> model.predict(data.test.images)                            # doctest: +SKIP
    """
    _check(backbone_model, head_model)
    size = backbone_model.input_shape[1:3]
    images = keras.Input((*(native or (None, None)), 3), name="images")
    resize = keras.layers.Resizing(
        *size, interpolation=interpolation, dtype="float32", name="resize"
    )
    # Keras' image layers are in training unless told, and the layers after them follow:
    # without this, `model(images)` drops out. `fit` still says otherwise to all.
    pixels = resize(images, training=False)
    probabilities = head_model(backbone_model(pixels))
    return for_xla(keras.Model(images, probabilities, name="classifier"))


def _check(backbone_model: Model, head_model: Model) -> None:
    if None in backbone_model.input_shape[1:3]:
        raise InvalidArgument(
            "Expected a backbone with a fixed height and width; received one of input "
            f"shape {backbone_model.input_shape}. Build it for one size, such as 160."
        )
    given, wanted = backbone_model.output_shape, head_model.input_shape
    if given[1:] != wanted[1:]:
        raise InvalidArgument(
            f"Expected a head for feature maps of shape {given[1:]}; received one for "
            f"{wanted[1:]}. Build the head with the backbone's output shape."
        )
    if backbone_model.name == head_model.name:
        raise InvalidArgument(
            "Expected two models of different names; received two named "
            f"{head_model.name!r}. Rename one: layers are found by name."
        )
