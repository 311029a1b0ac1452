"""The same layers through faster kernels, where TensorFlow runs on a CPU.

Keras composes batch norm of a dozen operations and runs every convolution as one.
TensorFlow has one kernel for batch norm, and a 1 x 1 convolution is a matrix product:
together they make the step of the last blocks of MobileNetV2 faster. The weights
are those of the layers themselves, the arithmetic is the same up to rounding, and the
network that is saved stays as it was.
"""

from collections.abc import Sequence
from typing import Any, final

import keras

from cifarkit._types import Layer, Model, Tensor
from cifarkit.models.computing import on_one_tensorflow_cpu
from cifarkit.models.folding import folding, pairs
from cifarkit.models.graphs import StandIn, is_graph, rebuilt
from cifarkit.models.resizing import for_xla


def accelerated(model: Model, shape: Sequence[int] | None = None) -> Model:
    """Return a model of the same weights that learns faster, where there is one.

    On other backends than TensorFlow, and where TensorFlow sees a GPU, that is the
    model itself: their compilers fuse what is fused here by hand. Only a resize that
    XLA does not have is replaced there, or keeps XLA away. It is meant for training,
    not for saving: save the model that it was made of. Of layers that are frozen when
    it is made, batch norms go into the convolutions before them, and no convolution
    becomes a product: what they give must not depend on the batch of an image, and a
    matrix product rounds differently for each number of rows.

    Args:
        model: a functional or sequential `keras.Model`; another kind is returned as it
            is. Layers that are replaced are those in float32 of the exact type.
        shape: of its images, `(H, W, C)`, if all have one.

    Example:
        >>> fast = accelerated(keras.applications.MobileNetV2(weights=None))
        >>> len(fast.weights)
        262
    """
    if not on_one_tensorflow_cpu() or not is_graph(model):
        return for_xla(model, shape)
    still = [pair for pair in pairs(model) if not any(map(_learns, pair))]
    fold = folding(still)

    def twin(layer: Layer) -> Layer:
        return _faster(layer) if _learns(layer) else fold(layer)

    return rebuilt(model, twin)


def _learns(layer: Any) -> bool:
    # An operation without a layer, such as a division, has no flag.
    return bool(getattr(layer, "trainable", False))


def _faster(layer: Layer) -> Layer:
    if layer.dtype_policy.compute_dtype != "float32" or layer.activity_regularizer:
        return layer  # Keras adds a penalty on what a layer gives when it is called
    if type(layer) is keras.layers.BatchNormalization and _is_plain_norm(layer):
        return _Norm(layer)
    if type(layer) is keras.layers.Conv2D and _is_product(layer):
        return _Product(layer)
    return layer


def _is_plain_norm(layer: Layer) -> bool:
    over_maps = layer.input_spec.ndim == 4 and layer.axis in (-1, 3)
    return bool(over_maps and layer.scale and layer.center and not layer.renorm)


def _is_product(layer: Layer) -> bool:
    one = (1, 1)
    alone = layer.kernel_size == layer.strides == layer.dilation_rate == one
    plain = layer.groups == 1 and layer.data_format == "channels_last"
    return bool(alone and plain)


@final
class _Norm(StandIn):
    """Batch norm over maps, in one kernel where it learns."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        self.layer = layer

    def call(self, inputs: Tensor, training: Any = None, mask: Any = None) -> Tensor:
        import tensorflow as tf

        layer = self.layer
        if not training or not layer.trainable:
            return layer(inputs, training=training)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=layer.gamma,
            offset=layer.beta,
            mean=[],
            variance=[],
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The kernel gives the variance of a sample; Keras keeps that of the batch.
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], inputs.dtype)
        _move(layer.moving_mean, mean, layer.momentum)
        _move(layer.moving_variance, variance * (1 - 1 / count), layer.momentum)
        return outputs


@final
class _Product(StandIn):
    """A 1 x 1 convolution, as the matrix product that it is."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        self.layer = layer

    def call(self, inputs: Tensor) -> Tensor:
        layer, (*places, channels) = self.layer, keras.ops.shape(inputs)
        kernel = keras.ops.reshape(layer.kernel, (channels, layer.filters))
        outputs = keras.ops.matmul(keras.ops.reshape(inputs, (-1, channels)), kernel)
        outputs = keras.ops.reshape(outputs, (*places, layer.filters))
        if layer.use_bias:
            outputs = outputs + layer.bias
        return layer.activation(outputs)


def _move(statistic: Any, value: Tensor, momentum: float) -> None:
    statistic.assign(statistic * momentum + value * (1.0 - momentum))
