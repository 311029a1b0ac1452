"""Exported files in the runtimes that read them, float32 on the CPU.

Each function opens a file and returns what runs it: from uint8 images, shape
`(N, H, W, 3)`, to probabilities, float32, shape `(N, C)`. What is returned may be
called from several threads.
"""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

from cifarkit._errors import CorruptFile, MissingExtra
from cifarkit._extras import require
from cifarkit._types import Floats, Images

Run: TypeAlias = Callable[[Images], Floats]


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def opened(path: Path, sample: Images) -> tuple[Run, Floats]:
    """Return what runs an exported file, or a SavedModel's folder, once it has run.

    Args:
        path: of the file or folder.
        sample: images that it must take.

    Returns:
        What runs it, and what it says of the sample.

    Raises:
        CorruptFile: its runtime cannot read it, or not run it on the sample.
        MissingExtra: its runtime is not installed.
    """
    try:
        run = RUNTIMES["" if path.is_dir() else path.suffix](path)
        return run, run(sample)
    except MissingExtra:
        raise
    except Exception as error:  # every runtime raises types of its own
        raise CorruptFile(
            f"Expected an exported model in {path}; received what its runtime cannot "
            f"read ({type(error).__name__}: {error!s:.300}). Export it again."
        ) from error


def _saved_model(path: Path) -> Run:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))

    def run(batch: Images) -> Floats:
        rows: Floats = loaded.serve(tf.constant(batch))["probabilities"].numpy()
        return rows

    return run


def _onnx(path: Path) -> Run:
    runtime = require("onnxruntime", extra="export")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.enable_mem_pattern = False  # it keeps a plan for every shape that comes
    session = runtime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )

    def run(batch: Images) -> Floats:
        (rows,) = session.run(None, {"images": batch})
        return rows  # type: ignore[no-any-return]  # onnxruntime is untyped

    return run


def _litert(path: Path) -> Run:
    module = require("ai_edge_litert.interpreter", extra="export")
    interpreter = module.Interpreter(str(path), num_threads=cores())
    (taken,) = interpreter.get_input_details()
    (given,) = interpreter.get_output_details()
    lock, shape = Lock(), [tuple[int, ...]()]

    def run(batch: Images) -> Floats:
        with lock:  # an interpreter has one set of tensors
            if shape[0] != batch.shape:
                shape[0] = ()  # of no batch, if the next line fails
                interpreter.resize_tensor_input(taken["index"], batch.shape)
                interpreter.allocate_tensors()
                shape[0] = batch.shape
            interpreter.set_tensor(taken["index"], batch)
            interpreter.invoke()
            rows: Floats = interpreter.get_tensor(given["index"])
        return rows

    return run


def _openvino(path: Path) -> Run:
    openvino = require("openvino", extra="openvino")
    # Left to itself it computes in bfloat16 where the processor can.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", exact)
    lock = Lock()

    def run(batch: Images) -> Floats:
        with lock:  # one request of the compiled model, with one set of tensors
            rows: Floats = compiled(batch)[0].copy()
        return rows

    return run


RUNTIMES: dict[str, Callable[[Any], Run]] = {
    "": _saved_model,
    ".onnx": _onnx,
    ".tflite": _litert,
    ".xml": _openvino,
}
"""What opens a file, by its suffix; a folder has none."""
