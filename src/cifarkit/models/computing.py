"""Where Keras computes: what is faster by hand is so on a CPU alone."""

import keras

from cifarkit._types import Layer, Model

_RESIZED_BY_XLA = ("nearest", "bilinear")


def on_tensorflow_cpu() -> bool:
    """Whether Keras runs on TensorFlow, and TensorFlow on a CPU."""
    on_tensorflow = keras.backend.backend() == "tensorflow"
    return on_tensorflow and not keras.distribution.list_devices("gpu")


def on_one_tensorflow_cpu() -> bool:
    """Whether, besides, no strategy keeps the weights on several devices."""
    if not on_tensorflow_cpu():
        return False
    import tensorflow as tf

    return not tf.distribute.has_strategy()


def sparing_xla(model: Model) -> Model:
    """Return the model; Keras is told where XLA cannot follow it on TensorFlow.

    Where TensorFlow sees a GPU, Keras compiles each model with XLA unless one of its
    layers says that it cannot. XLA has no bicubic resize; `Resizing` does not say so.
    """
    if keras.backend.backend() == "tensorflow":
        unknown = [each for each in model._flatten_layers() if _is_unknown(each)]
        for layer in unknown:
            layer.supports_jit = False
        if unknown:
            model.jit_compile = False  # a loaded model has decided already
    return model


def _is_unknown(layer: Layer) -> bool:
    """Whether it is a resize that XLA does not have."""
    if not isinstance(layer, keras.layers.Resizing):
        return False
    return bool(layer.antialias or layer.interpolation not in _RESIZED_BY_XLA)
