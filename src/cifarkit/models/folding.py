"""The same network for inference, where TensorFlow runs on a CPU.

Keras runs batch norm as passes of its own over each map. At inference it is a scale
and a shift for each channel, which the convolution before it can take into its kernel:
MobileNetV2 answers almost twice as fast. The kernels are computed from the network's
own weights in each call, so that nothing is copied and nothing can be out of date.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final
from weakref import WeakKeyDictionary

import keras
from keras import ops

from cifarkit._types import Layer, Model, Tensor
from cifarkit.models.computing import on_tensorflow_cpu
from cifarkit.models.graphs import StandIn, calls, is_graph, rebuilt, uncompiled
from cifarkit.models.resizing import for_xla

Pair: TypeAlias = tuple[Layer, Layer]

_TWINS: WeakKeyDictionary[Model, tuple[list[Any], Model]] = WeakKeyDictionary()
"""What models were folded into, and their outputs and pairs at that time: Keras notes
in a layer for ever that another model calls it, so each is folded once."""

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def folded(model: Model) -> Model:
    """Return a model of the same weights that answers faster, where there is one.

    On other backends than TensorFlow, and where TensorFlow sees a GPU, that is the
    model itself. It is for inference: it cannot learn and is not for saving.

    Args:
        model: a functional or sequential `keras.Model`, whose models inside are looked
            into; a subclass, which may do anything, is returned as it is.

    Example:
        >>> fast = folded(keras.applications.MobileNetV2(weights=None))
        >>> fast.predict(images)                                     # doctest: +SKIP
    """
    if not on_tensorflow_cpu() or not is_graph(model):
        return for_xla(model)
    found = list(pairs(model))
    now = [*model.outputs, *(layer for pair in found for layer in pair)]
    then, twin = _TWINS.get(model, ([], None))
    if twin is None or list(map(id, then)) != list(map(id, now)):
        twin = rebuilt(model, folding(found))
        _TWINS[model] = now, twin
    return uncompiled(twin)  # whose steps are traced anew: layers may have changed


def folding(found: Iterable[Pair]) -> Callable[[Layer], Layer]:
    """Return what gives the twin of a layer, where it is of one of the pairs."""
    norms = {id(conv): norm for conv, norm in found}
    gone = {id(norm) for norm in norms.values()}

    def twin(layer: Layer) -> Layer:
        if id(layer) in norms:
            return _Folded(layer, norms[id(layer)])
        return _Gone(layer) if id(layer) in gone else layer

    return twin


def pairs(model: Model) -> Iterator[Pair]:
    """Yield each convolution whose only reader is a batch norm, and that.

    Both are called once, in the model and in all models inside it.
    """
    known = list(_reads(model))
    times = Counter(id(each.operation) for each in known)
    readers = Counter(id(tensor) for each in known for tensor in each.input_tensors)
    makers = {
        id(made): each.operation for each in known for made in each.output_tensors
    }
    for each in known:
        norm, given = each.operation, each.input_tensors
        if type(norm) is not keras.layers.BatchNormalization or not _is_plain(norm):
            continue
        maker = makers.get(id(given[0]))
        alone = readers[id(given[0])] == times[id(norm)] == times[id(maker)] == 1
        linear = type(maker) in _CONVOLUTIONS and _is_linear(maker)
        if alone and linear:
            yield maker, norm


@dataclass(frozen=True)
class _Read:
    """What reads and makes tensors: a call, or whoever takes the outputs of a model."""

    operation: Any
    input_tensors: Sequence[Tensor]
    output_tensors: Sequence[Tensor] = ()


def _reads(model: Model) -> Iterator[_Read]:
    yield _Read(None, model.outputs)
    for call in calls(model):
        yield _Read(call.operation, call.input_tensors, call.output_tensors)
        if is_graph(call.operation):
            yield from _reads(call.operation)


def _is_linear(layer: Layer) -> bool:
    plain = layer.activation is keras.activations.linear
    exact = layer.dtype_policy.compute_dtype == "float32"
    free = layer.activity_regularizer is None
    return bool(plain and exact and free and layer.data_format == "channels_last")


def _is_plain(norm: Layer) -> bool:
    exact = norm.dtype_policy.compute_dtype == "float32"
    free = norm.activity_regularizer is None
    return bool(exact and free and norm.axis in (-1, 3) and not norm.renorm)


@final
class _Folded(StandIn):
    """A convolution and the batch norm after it, as one convolution."""

    def __init__(self, conv: Layer, norm: Layer) -> None:
        super().__init__(conv)
        self.conv, self.norm = conv, norm

    def call(self, inputs: Tensor, training: Any = None, mask: Any = None) -> Tensor:
        conv, norm = self.conv, self.norm
        scale = ops.rsqrt(norm.moving_variance + norm.epsilon)
        if norm.scale:
            scale = scale * norm.gamma
        shift = -norm.moving_mean * scale
        if conv.use_bias:
            shift = shift + conv.bias * scale
        if norm.center:
            shift = shift + norm.beta
        options = {
            "strides": conv.strides,
            "padding": conv.padding,
            "dilation_rate": conv.dilation_rate,
        }
        if type(conv) is keras.layers.DepthwiseConv2D:
            by_place = ops.reshape(scale, (1, 1, *conv.kernel.shape[2:]))
            outputs = ops.depthwise_conv(inputs, conv.kernel * by_place, **options)
        else:
            outputs = ops.conv(inputs, conv.kernel * scale, **options)
        return outputs + shift


@final
class _Gone(StandIn):
    """A batch norm that the convolution before it does."""

    def call(self, inputs: Tensor, training: Any = None, mask: Any = None) -> Tensor:
        return inputs
