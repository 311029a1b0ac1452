"""The formats that a model can be written in."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np

from cifarkit._errors import InvalidArgument
from cifarkit._extras import require
from cifarkit._types import Images, Model
from cifarkit.exporting._graph import SUFFIX, endpoint, portable, signature, traced

_OPSET = 17
"""Of ONNX: the newest that runtimes of three years ago read."""

_CALIBRATION = 300
"""The most images from which the ranges of int8 are taken; TensorFlow advises 100 to
500."""


def keras_file(model: Model, path: Path, samples: Images | None) -> None:
    """Write Keras' own file, which holds built-in layers alone."""
    model.save(path)


def saved_model(model: Model, path: Path, samples: Images | None) -> None:
    """Write a SavedModel: `serve(images)` and the signature `serving_default`."""
    plain = portable(model)
    archive = keras.export.ExportArchive()
    archive.track(plain)
    archive.add_endpoint("serve", endpoint(plain), input_signature=[signature(model)])
    archive.write_out(path, verbose=False)


def onnx(model: Model, path: Path, samples: Images | None) -> None:
    """Write ONNX, opset 17."""
    converter = require("tf2onnx", extra="export")
    converter.convert.from_function(
        traced(model), [signature(model)], opset=_OPSET, output_path=str(path)
    )
    # What it cannot convert it writes as it is, with a line in the log.
    require("onnx", extra="export").checker.check_model(str(path))


def litert(model: Model, path: Path, samples: Images | None) -> None:
    """Write LiteRT (once TensorFlow Lite), float32."""
    path.write_bytes(_lite(model).convert())


def litert_int8(model: Model, path: Path, samples: Images) -> None:
    """Write LiteRT with kernels and maps in int8; the ranges are those of samples.

    What computes the matrices of a resize stays in float32, and the softmax does: of
    places between pixels and of small probabilities 256 values are too few.
    """
    import tensorflow as tf

    lite, converter, chosen = tf.lite, _lite(model), _some(samples)

    def images() -> Iterator[list[Images]]:
        return ([image[None]] for image in chosen)

    converter.optimizations = [lite.Optimize.DEFAULT]
    converter.representative_dataset = images
    names, last = _tensors(_lite(model).convert())
    exact = [*(name for name in names if SUFFIX in name), last]
    choice = lite.experimental.QuantizationDebugOptions(denylisted_nodes=exact)
    with warnings.catch_warnings():  # TensorFlow warns of its own interpreter
        warnings.filterwarnings("ignore", r"[\s\S]*tf\.lite\.Interpreter is deprecated")
        chooser = lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=images, debug_options=choice
        )
    path.write_bytes(chooser.get_nondebug_quantized_model())


def openvino(model: Model, path: Path, samples: Images | None) -> None:
    """Write OpenVINO's `.xml` and `.bin`, float32."""
    vino = require("openvino", extra="openvino")
    graph = vino.convert_model(traced(model).get_concrete_function())
    vino.save_model(graph, str(path), compress_to_fp16=False)


Write: TypeAlias = Callable[[Model, Path, Any], None]  # Any: images, if it needs some

FORMATS: dict[str, tuple[str, Write]] = {
    "keras": ("model.keras", keras_file),
    "saved_model": ("saved_model", saved_model),
    "onnx": ("model.onnx", onnx),
    "litert": ("model.tflite", litert),
    "litert_int8": ("model.int8.tflite", litert_int8),
    "openvino": ("model.xml", openvino),
}
"""Each format's file or folder, and what writes it."""


def checked(formats: Iterable[str], samples: Images | None) -> tuple[str, ...]:
    """Return the formats, each once.

    Raises:
        InvalidArgument: one of them is unknown, or there is none; or int8 has no images
            to take its ranges from.
    """
    given: Any = formats
    one = isinstance(given, str) or not isinstance(given, Iterable)
    names = tuple(dict.fromkeys([given] if one else given))
    if not names or not set(names) <= set(FORMATS):
        raise InvalidArgument(
            f"Expected formats of {', '.join(FORMATS)}; received {names}."
        )
    shape: tuple[int, ...] = getattr(samples, "shape", ())
    kind = getattr(samples, "dtype", None)
    right = len(shape) == 4 and shape[0] > 0 and shape[3] == 3 and kind == np.uint8
    if "litert_int8" in names and not right:
        raise InvalidArgument(
            "Expected samples= for int8: some hundred training images, uint8, shape "
            f"(N, H, W, 3); received {kind or samples}, shape {shape}. The command "
            "line has none: call cifarkit.exporting.export."
        )
    return names


def check_samples(model: Model, names: Iterable[str], samples: Images | None) -> None:
    """Refuse samples that a model of one size does not take.

    Raises:
        InvalidArgument: int8 is to be written, and its samples have another size.
    """
    taken = model.input_shape[1:]
    if "litert_int8" not in names or None in taken or samples is None:
        return
    if samples.shape[1:] != taken:
        raise InvalidArgument(
            f"Expected samples= of {taken[1]} x {taken[0]} pixels, as the model takes "
            f"them; received {samples.shape[2]} x {samples.shape[1]}. Resize them by "
            "cifarkit.images.resize."
        )


def _lite(model: Model) -> Any:
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    # The converter leaves variables of a graph where they are, and its calibrator of
    # int8 then stops at the first. No public name freezes a function.
    freeze = convert_to_constants.convert_variables_to_constants_v2
    frozen = freeze(traced(model).get_concrete_function())
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())


def _tensors(content: bytes) -> tuple[list[str], str]:
    """Return the names of all tensors in a LiteRT file, and of the one it gives."""
    module = require("ai_edge_litert.interpreter", extra="export")
    interpreter = module.Interpreter(model_content=content)
    (given,) = interpreter.get_output_details()
    return [each["name"] for each in interpreter.get_tensor_details()], given["name"]


def _some(samples: Images) -> Images:
    """Return images that stand for all, evenly taken."""
    places = np.linspace(0, len(samples) - 1, min(len(samples), _CALIBRATION))
    found: Images = samples[places.astype(int)]
    return found
