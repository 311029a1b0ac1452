"""Probabilities of many images, in bounded memory."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit import models
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Floats, Images, Model
from cifarkit.metrics._checks import checked_probabilities

_BATCH = 128  # images at once: 1.5 MB in float32 at 32 x 32, 77 MB at 224


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


def predict(
    model: Model, images: Images, *, classes: int | None, tta: bool = False
) -> Floats:
    """Return probabilities, float32, shape `(N, C)`.

    Args:
        model: a `keras.Model` from images in [0, 255] to probabilities.
        images: uint8, shape `(N, H, W, 3)`.
        classes: what C has to be, or None if the model decides.
        tta: average over each image and its mirror image.

    Raises:
        InvalidArgument: `model` is no `keras.Model`.
        InvalidData: these are no such images, or the model takes others or gives no
            probabilities.
    """
    check_images(images)
    _check_model(model, images)
    fast = models.folded(model)
    return np.concatenate(
        [
            (_averaged if tta else _once)(fast, chunk, classes, start)
            for start, chunk in _batches(images)
        ]
    )


def check_images(images: object) -> None:
    """Refuse what is no array of RGB images in [0, 255].

    Raises:
        InvalidData: another shape or type, or no image at all.
    """
    shape: tuple[int, ...] = getattr(images, "shape", ())
    dtype = getattr(images, "dtype", None)
    if not isinstance(images, np.ndarray) or len(shape) != 4 or shape[3] != 3:
        raise InvalidData(
            "Expected RGB images, a uint8 array of shape (N, H, W, 3); received "
            f"{type(images).__name__} of shape {shape} and type {dtype}. "
            "Stack the images with numpy.stack and put the channels last."
        )
    if 0 in shape:
        raise InvalidData(
            f"Expected at least one image; received shape {shape}. "
            "Check how the split was chosen."
        )
    if dtype != np.uint8:
        raise InvalidData(
            "Expected images of type uint8, values in [0, 255]; received "
            f"{dtype}{_scale(images)}"
        )


def _scale(images: NDArray[Any]) -> str:
    if images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1:
        return " in [0, 1]. Multiply by 255: (images * 255).round().astype('uint8')."
    return ". Bring them to [0, 255], then use .round().astype('uint8')."


def penalties(model: Model) -> float:
    """Return the sum of the penalties on the weights that the model trains.

    They are what `model.losses` holds of regularizers. Penalties on activations belong
    to a batch, not to a model, and are left out.
    """
    found = [
        weight.regularizer(weight)
        for weight in model.trainable_weights
        if weight.regularizer is not None
    ]
    return float(sum(float(keras.ops.convert_to_numpy(value)) for value in found))


def _batches(images: Images) -> Iterator[tuple[int, Floats]]:
    for start in range(0, len(images), _BATCH):
        # Keras leaves integers as they are, and convolutions do not take uint8.
        yield start, images[start : start + _BATCH].astype(np.float32)


def _averaged(model: Model, images: Floats, classes: int | None, start: int) -> Floats:
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    both = [_once(model, each, classes, start) for each in (images, mirrored)]
    mean: Floats = np.mean(both, axis=0, dtype=np.float32)
    return mean


def _once(model: Model, images: Floats, classes: int | None, start: int) -> Floats:
    try:
        # Not `predict`: it makes a data set each time, whose autotuner it waits for.
        output = model.predict_on_batch(images)
    except ValueError as error:
        received = "received one that refuses them, as Keras explains above"
        raise InvalidData(_misfit(images, received)) from error
    shape: tuple[int, ...] = getattr(output, "shape", ())
    if len(shape) != 2 or (classes is not None and shape[1] != classes):
        raise InvalidData(
            f"Expected probabilities of shape (N, {classes or 'C'}), one column for "
            f"each class; received {type(output).__name__} of shape {shape}. "
            "Give the model one softmax layer at its end, as wide as there are classes."
        )
    probabilities: Floats = np.asarray(output, dtype=np.float32)
    checked_probabilities(probabilities, first=start)
    return probabilities


def _check_model(model: Model, images: Images) -> None:
    if not isinstance(model, keras.Model):
        hint = " Use result.model." if hasattr(model, "model") else ""
        raise InvalidArgument(
            "Expected a keras.Model from images to probabilities; received "
            f"{type(model).__name__}.{hint or ' Build one with keras or cifarkit.'}"
        )
    # Once traced at its own size, a model takes other sizes silently: look first.
    shape = getattr(model, "input_shape", None)
    if shape is not None and not _takes(shape, images.shape):
        raise InvalidData(_misfit(images, f"received one that takes {shape}"))


def _takes(wanted: object, given: tuple[int, ...]) -> bool:
    """Whether a model whose `input_shape` is `wanted` takes an array of `given`."""
    return (
        isinstance(wanted, tuple)
        and len(wanted) == len(given)
        and all(w in (None, g) for w, g in zip(wanted[1:], given[1:], strict=True))
    )


def _misfit(images: Images | Floats, received: str) -> str:
    height, width = images.shape[1:3]
    return (
        "Expected a model that takes images of the split's native size, "
        f"{height} x {width} x 3; {received}. Assemble the model with cifarkit, which "
        "resizes inside, or put a keras.layers.Resizing before it."
    )
