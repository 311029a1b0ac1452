"""Where a network looked: Grad-CAM, on nested and on reloaded models.

Source: Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv:1610.02391.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cifarkit import models
from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Floats, Images, Model, Tensor
from cifarkit.evaluation._predict import check_images
from cifarkit.viz._canvas import Figure, canvas, plain

Part = Callable[[Tensor], Tensor]
_COVERED = 0.75  # of the image, where a map is at its highest
_LEAST = 1e-37  # of a probability: what float32 still divides by


def grad_cam(
    model: Model, images: Images, classes: Sequence[int] | None = None
) -> Floats:
    """Return how much each place of an image speaks for a class.

    The score is the log odds of the class, which go on growing where a probability is
    1 already. The maps are those of the last layer that still has height and width:
    inside of a backbone that is a model in the model, if there is one. The model
    computes as in inference, and stays as it is.

    Args:
        model: a functional or sequential `keras.Model` from RGB images in [0, 255],
            shape `(N, H, W, 3)`, to probabilities; from `fit` or from a file.
        images: uint8, shape `(N, H, W, 3)`; all at once, so not many.
        classes: the class to explain for each image; None for the predicted one.

    Returns:
        float32, shape `(N, H, W)`, from 0 to 1; all 0 where nothing speaks for the
        class, or where all else is less probable than float32 can say.

    Raises:
        InvalidArgument: the model has no map, or Keras runs on another backend than
            TensorFlow, which takes the gradient.
        InvalidData: these are no such images, or there is not one class for each.
    """
    before, after = halves(model)
    check_images(images)
    pixels = images.astype(np.float32)
    maps = ops.convert_to_tensor(before(ops.convert_to_tensor(pixels)))
    chosen = _chosen(after, maps, classes)
    weights = ops.mean(_gradient(after, maps, chosen), axis=(1, 2), keepdims=True)
    heat = ops.relu(ops.sum(weights * maps, axis=-1, keepdims=True))
    shown = ops.image.resize(heat, pixels.shape[1:3], interpolation="bilinear")
    values = ops.convert_to_numpy(shown)[..., 0]
    peaks = values.max(axis=(1, 2), keepdims=True)
    scaled: Floats = values / np.where(peaks > 0, peaks, 1.0)
    return scaled


def heat(images: Images, maps: Floats, captions: Sequence[str] = ()) -> Figure:
    """Show images, and below each the same in grey with its heat map over it.

    Colours go from what speaks least for the class in that image, which stays grey, to
    what speaks most. Maps are as coarse as the network's last one.

    Args:
        images: RGB, uint8, shape `(N, H, W, 3)`.
        maps: from `grad_cam`, shape `(N, H, W)`.
        captions: one for each image, or none.

    Raises:
        InvalidData: there is not one map and one caption for each image.
    """
    count = len(images)
    if len(maps) != count or len(captions) not in (0, count):
        raise InvalidData(
            f"Expected one map and one caption, or no captions, for each of {count} "
            f"images; received {len(maps)} and {len(captions)}."
        )
    figure, rows = canvas(2, count, width=1.3 * count, height=2.9)
    for place in range(count):
        upper, lower = rows[:, place]
        upper.imshow(images[place], interpolation="nearest")
        grey = np.asarray(images[place]).mean(axis=-1)
        lower.imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        share = _stretched(maps[place])
        lower.imshow(share, cmap="inferno", alpha=_COVERED * share, vmin=0, vmax=1)
        if captions:
            upper.set_title(plain(captions[place]), fontsize=8)
        upper.set_axis_off()
        lower.set_axis_off()
    return figure


def _stretched(values: Floats) -> Floats:
    """Return a map from 0 to 1, or as it is where all places are alike."""
    low, high = values.min(), values.max()
    stretched: Floats = (values - low) / (high - low) if high > low else values
    return stretched


def halves(model: Model) -> tuple[Part, Part]:
    """Return a model as two functions, from images to the last maps and on from there.

    Raises:
        InvalidArgument: nothing in the model has height and width.
    """
    if found := _halves(model):
        return found
    raise InvalidArgument(
        f"Expected a network with maps of height and width; received {model.name!r}, "
        "which has none. Grad-CAM needs a convolutional network."
    )


def _halves(model: Model) -> tuple[Part, Part] | None:
    if not models.is_graph(model):
        return None
    for call in models.calls(model):
        inner, made = call.operation, call.output_tensors
        if len(made) == 1 and _is_map(made[0]):
            found = _cut(model, made[0], made[0])
        elif parts := _halves(inner):
            found = _cut(model, call.input_tensors[0], made[0], *parts)
        else:
            continue
        if found:
            return found
    return None


def _cut(
    model: Model, end: Tensor, start: Tensor, *inner: Part
) -> tuple[Part, Part] | None:
    """Return the part up to one tensor and that from another one on.

    Between the two lie the parts of a model inside, if there are any. None if the rest
    needs more than that one tensor.
    """
    inside = inner or (_same, _same)
    try:
        before = keras.Model(model.inputs, end)
        after = keras.Model(start, model.outputs[0])
    except ValueError:
        return None
    if not before.weights and not inner:  # images that are scaled are no maps yet
        return None
    first, last = inside
    return (
        lambda images: first(before(images, training=False)),
        lambda maps: after(last(maps), training=False),
    )


def _same(values: Tensor) -> Tensor:
    return values


def _is_map(output: Tensor) -> bool:
    shape = tuple(output.shape)
    return len(shape) == 4 and shape[1:3] != (1, 1)


def _chosen(after: Part, maps: Tensor, classes: Sequence[int] | None) -> Any:
    """Return the one-hot classes to explain, shape `(N, C)`."""
    answers = ops.convert_to_numpy(after(maps))
    if classes is None:
        classes = answers.argmax(axis=1)
    numbers = np.asarray(classes)
    fitting = numbers.shape == (len(answers),) and numbers.dtype.kind in "iu"
    if not fitting or not ((numbers >= 0) & (numbers < answers.shape[1])).all():
        raise InvalidData(
            f"Expected one class from 0 to {answers.shape[1] - 1} for each of "
            f"{len(answers)} images; received {classes!r}."
        )
    return np.eye(answers.shape[1], dtype=np.float32)[numbers]


def _gradient(after: Part, maps: Tensor, chosen: Any) -> Tensor:
    if keras.backend.backend() != "tensorflow":
        raise InvalidArgument(
            "Expected Keras on TensorFlow, which takes the gradient for grad_cam; "
            f"received {keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(maps)
        rows = after(maps)
        own, others = (
            ops.maximum(ops.sum(rows * part, axis=1), _LEAST)
            for part in (chosen, 1 - chosen)
        )
        score = ops.sum(ops.log(own) - ops.log(others))
    return tape.gradient(score, maps)
