"""What runs the frozen part: OpenVINO where it is installed, else Keras itself."""

import importlib.util
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np

from cifarkit import models
from cifarkit._types import Floats, Model

Run: TypeAlias = Callable[[Floats], Floats]
_TOLERANCE = 1e-4
_log = logging.getLogger(__name__)


def engine_for(prefix: Model, sample: Floats) -> tuple[Run, str]:
    """Return what runs a model on batches of one size, and its name.

    OpenVINO computes in float32 and is checked against Keras on the sample: where the
    two differ by more than 1e-4 of the largest value, Keras is taken.

    Args:
        prefix: the model.
        sample: a batch of the size that all batches will have.
    """
    own = _by_keras(prefix)
    if importlib.util.find_spec("openvino") and _on_tensorflow_cpu():
        fast = _by_openvino(prefix, sample.shape)
        if fast and _agree(own(sample), fast(sample)):
            return fast, "openvino"
        _log.warning("OpenVINO does not give what Keras gives here: Keras is used.")
    return own, keras.backend.backend()


def _by_keras(prefix: Model) -> Run:
    fast = models.accelerated(prefix)

    def run(values: Floats) -> Floats:
        return np.asarray(fast.predict_on_batch(values))

    return run


def _by_openvino(prefix: Model, shape: tuple[int, ...]) -> Run | None:
    """Return what runs a model in OpenVINO, or None for one that it cannot run."""
    import openvino
    import tensorflow as tf

    # A traced function of one shape: the converter misreads a resize of open shape.
    traced = tf.function(lambda values: prefix(values, training=False))
    concrete = traced.get_concrete_function(tf.TensorSpec(shape, tf.float32))
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    try:
        converted = openvino.convert_model(concrete)
        compiled: Any = openvino.Core().compile_model(converted, "CPU", options)
    except Exception as error:  # its converter raises all kinds
        _log.info("OpenVINO cannot run this network: %.300s", error)
        return None

    def run(values: Floats) -> Floats:
        return np.asarray(compiled(values)[0])

    return run


def _on_tensorflow_cpu() -> bool:
    on_tensorflow = keras.backend.backend() == "tensorflow"
    return on_tensorflow and not keras.distribution.list_devices("gpu")


def _agree(expected: Floats, received: Floats) -> bool:
    largest = float(np.abs(expected).max())
    return bool(np.abs(received - expected).max() <= _TOLERANCE * largest)
