"""What runs the frozen part: OpenVINO where it is installed, else Keras itself."""

import importlib.util
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import gcd
from typing import Any, TypeAlias

import keras
import numpy as np

from cifarkit import models
from cifarkit._errors import InvalidArgument
from cifarkit._extras import require
from cifarkit._types import Floats, Model
from cifarkit.activations._cache import Precision
from cifarkit.activations._rounding import rounding

Run: TypeAlias = Callable[[Floats], Floats]
_EXACT, _ROUGH = 1e-4, 0.25
_HINTS: Mapping[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
_AT_ONCE = 8
"""Images that OpenVINO takes at once: what they need fits into a processor's cache."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engine:
    """What runs a frozen part.

    Args:
        name: `"openvino"`, or the Keras backend's name.
        precision: what it computes in.
        device: the kind of device, and its model: GPUs differ in how many bits of
            float32 they multiply.
        rounding: settings that let float32 be multiplied in fewer bits, in words; ""
            by default.
    """

    name: str
    precision: Precision = "float32"
    device: str = "cpu"
    rounding: str = ""

    def __str__(self) -> str:
        exact, usual = self.precision == "float32", self.device == "cpu"
        name = self.name if exact else f"{self.name} in {self.precision}"
        name = name if usual else f"{name} on {self.device}"
        return f"{name}, {self.rounding}" if self.rounding else name


def preferred(precision: Precision) -> Engine:
    """Return the engine that is tried first.

    Raises:
        MissingExtra: a precision that OpenVINO alone has, which is not installed.
        InvalidArgument: such a precision, where Keras does not run on TensorFlow on a
            CPU.
    """
    if precision != "float32":
        require("openvino", extra="openvino")
        if not models.on_tensorflow_cpu():
            raise InvalidArgument(
                f"Expected TensorFlow on a CPU to compute in {precision}; received "
                f"{keras.backend.backend()}. Leave precision at 'float32'."
            )
    elif not importlib.util.find_spec("openvino") or not models.on_tensorflow_cpu():
        return _keras()
    return Engine("openvino", precision, rounding=rounding("cpu"))


def engine_for(
    prefix: Model, sample: Floats, precision: Precision = "float32"
) -> tuple[Run, Engine]:
    """Return what runs a model on batches of one size.

    OpenVINO is checked against Keras on the sample: in float32 no value may differ by
    more than 1e-4 of the largest, in bfloat16 the norm of what differs may be a quarter
    of the norm of all. What fails in bfloat16 is tried in float32; then Keras is taken.

    Args:
        prefix: the model.
        sample: a batch of the size that all batches will have.
        precision: what to compute in, where there is a choice.
    """
    wanted = preferred(precision)
    if wanted.name == "openvino":
        expected = _by_keras(prefix)(sample)
        precisions: tuple[Precision, ...] = (precision, "float32")
        for each in dict.fromkeys(precisions):
            fast = _by_openvino(prefix, sample.shape, _HINTS[each])
            if fast is None:
                break
            if _agree(expected, fast(sample), each):
                return fast, replace(wanted, precision=each)
            _log.warning("OpenVINO in %s does not give what Keras gives here.", each)
    return _by_keras(models.folded(prefix)), _keras()


def _keras() -> Engine:
    """Return the name of Keras itself, on the device that it takes."""
    name, kind = keras.backend.backend(), models.device_kind()
    return Engine(name, device=models.with_cards(kind), rounding=rounding(kind))


def _by_keras(prefix: Model) -> Run:
    def run(values: Floats) -> Floats:
        # under a strategy Keras gives the batch to each device, and all their answers
        return np.asarray(prefix.predict_on_batch(values))[: len(values)]

    return run


def _by_openvino(prefix: Model, shape: tuple[int, ...], hint: str) -> Run | None:
    """Return what runs a model in OpenVINO, or None for one that it cannot run."""
    import tensorflow as tf

    openvino: Any = require("openvino", extra="openvino")
    options, count = {"INFERENCE_PRECISION_HINT": hint}, gcd(shape[0], _AT_ONCE)
    try:
        readable = models.without_resizing(prefix)
        traced = tf.function(lambda values: readable(values, training=False))
        concrete = traced.get_concrete_function(tf.TensorSpec((count, *shape[1:])))
        converted = openvino.convert_model(concrete)
        compiled: Any = openvino.Core().compile_model(converted, "CPU", options)
    except Exception as error:  # its converter raises all kinds
        _log.info("OpenVINO cannot run this network: %.300s", error)
        return None

    def run(values: Floats) -> Floats:
        parts = np.split(values, len(values) // count)
        return np.concatenate([compiled(part)[0] for part in parts])

    return run


def _agree(expected: Floats, received: Floats, precision: Precision) -> bool:
    difference = received - expected
    if precision == "float32":
        return bool(np.abs(difference).max() <= _EXACT * np.abs(expected).max())
    return bool(np.linalg.norm(difference) <= _ROUGH * np.linalg.norm(expected))
