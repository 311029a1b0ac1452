"""A user's own network as a backbone."""

from collections import Counter
from functools import partial

import keras

from cifarkit._errors import InvalidArgument
from cifarkit._sources import fingerprint
from cifarkit._types import Layer, Model, Tensor
from cifarkit.backbones import _preprocess
from cifarkit.backbones._build import Backbone
from cifarkit.backbones._graft import flat, graft
from cifarkit.backbones._spec import BackboneSpec, Filled, WeightSet
from cifarkit.models import copy_of, is_graph, settle

_TYPICAL = 224
_IMAGE, _AROUND = "image", ("images", "resize")
"""What the input of a backbone is called, and what stands around it."""

_Input = keras.layers.InputLayer
_CUT = "Cut it: keras.Model(model.inputs[0], model.get_layer(name).output)."


def wrap(model: Model, *, preprocess: str) -> Backbone:
    """Return a backbone that is a copy of your own network.

    The copy holds the weights as they are now. The model itself is left as it is, and
    what happens to it later does not reach the backbone.

    Args:
        model: a functional or sequential `keras.Model` from images, `(N, H, W, 3)`, to
            a feature map, `(N, h, w, features)`. If H and W are fixed, so is the size
            of the backbone.
        preprocess: what the network expects in place of RGB in [0, 255]: one of the
            modes of `get`, without `"auto"`; `"raw"` if it converts by itself.

    Raises:
        InvalidArgument: another kind of model, of input or of output; a name that is
            there twice; a layer that cannot be copied; or a layer that learns has a
            name that begins with "preprocess".
        UnknownName: no such preprocess mode.

    Example:
        >>> model = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(8, 3)])
        >>> backbones.wrap(model, preprocess="unit").build(32).output_shape
        (None, 30, 30, 8)
    """
    _preprocess.check(preprocess)
    _check_shapes(model)
    _check_names(model)
    _check_converted_once(model, preprocess)
    _check_learning(model)
    copy = _copy(model)
    spec = _describe(copy)
    return Backbone(spec, spec.default, preprocess, copy.input_shape[1])


def _check_shapes(model: Model) -> None:
    if not is_graph(model):
        wanted = "a functional or a built sequential keras.Model without its own call"
        raise _unusable(wanted, type(model), "Begin it with keras.Input.")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        found = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise _unusable("a model with one input and one output", found, _CUT)
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
        wanted = "an input of shape (None, size, size, 3)"
        raise _unusable(wanted, shape, "Put layers before it that take RGB images.")
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 4 or shape[3] is None:
        wanted = "a feature map of shape (None, h, w, features)"
        raise _unusable(wanted, shape, f"{_CUT[:-1]}, before its pooling layer.")


def _check_names(model: Model) -> None:
    """Refuse names that another part of the whole network has, which Keras forbids."""
    inner = [each for each in flat(model) if not isinstance(each, _Input)]
    names = Counter([_IMAGE, *(each.name for each in inner)])
    taken = [name for name, count in names.items() if count > 1]
    if model.name in _AROUND or taken:
        raise InvalidArgument(
            "Expected names that nothing else in the network has; received "
            f"{(taken or [model.name])[0]!r}, of another layer too. Rename it."
        )


def _check_converted_once(model: Model, preprocess: str) -> None:
    taken = [each.name for each in flat(model) if _preprocess.is_preprocessing(each)]
    if taken and preprocess != "raw":
        raise InvalidArgument(
            f"Expected preprocess='raw', because the model has the preprocessing layer "
            f"{taken[0]!r}; received {preprocess!r}. Images would be converted twice."
        )


def _check_learning(model: Model) -> None:
    """Refuse layers that would be taken for preprocessing, and learn unseen."""
    for layer in filter(_preprocess.is_preprocessing, flat(model)):
        if layer.trainable_weights or any(map(_moves, layer._flatten_layers())):
            raise InvalidArgument(
                "Expected names that begin with 'preprocess' for layers that do not "
                f"learn; received {layer.name!r}, which does. Rename it."
            )


def _moves(layer: Layer) -> bool:
    """Whether a layer without weights that learn has statistics that change."""
    return isinstance(layer, keras.layers.BatchNormalization) and layer.trainable


def _unusable(expected: str, received: object, advice: str) -> InvalidArgument:
    return InvalidArgument(f"Expected {expected}; received {received}. {advice}")


def _copy(model: Model) -> Model:
    """Return a functional model of its own: one tensor in, one out, in no list."""
    view = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return copy_of(view)


def _grafted(copy: Model, tensor: Tensor) -> Model:
    """Return a graft; how small an image may be, the network alone knows."""
    try:
        return graft(copy, tensor)
    except ValueError as error:
        raise InvalidArgument(
            f"Expected images that {copy.name} can take; received a size of "
            f"{tensor.shape[1]}: {error!s:.200} Choose a larger one."
        ) from error


def _copy_weights(source: Model, target: Model) -> None:
    for layer in flat(source):
        if layer.weights:
            twin = target.get_layer(layer.name)
            twin.set_weights(layer.get_weights())
            settle(twin)


def _describe(copy: Model) -> BackboneSpec:
    size = copy.input_shape[1] or _TYPICAL
    steps = copy.compute_output_shape((1, size, size, 3))[1]
    own = WeightSet(
        "wrapped", partial(_grafted, copy), "raw", fill=partial(_fill, copy)
    )
    return BackboneSpec(
        name=copy.name,
        title=copy.name,
        features=copy.output_shape[3],
        recommended=size,
        blocks="",
        sets=(own,),
        stride=max(1, round(size / steps)),
        minimum=1,
    )


def _fill(copy: Model, model: Model, _: int) -> Filled:
    _copy_weights(copy, model)
    weights = {str(n): array for n, array in enumerate(copy.get_weights())}
    return Filled("a model of the caller", fingerprint(weights))
