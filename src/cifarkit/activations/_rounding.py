"""What products of float32 are computed in: users and machines may allow fewer bits."""

import os

import keras

_ONEDNN = (
    "TF_SET_ONEDNN_FPMATH_MODE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
)


def rounding(device: str) -> str:
    """Return in words what was set otherwise than by default; "" if nothing was.

    The environment can let oneDNN, by which TensorFlow multiplies on a CPU, compute in
    bfloat16; TensorFlow has a switch for GPUs, JAX and PyTorch have one for all.

    Args:
        device: the kind of device that computes.
    """
    modes = {os.environ.get(name, "").lower() for name in _ONEDNN} - {"", "strict"}
    return ", ".join([*sorted(modes), *_switched(device)])


def _switched(device: str) -> list[str]:
    backend = keras.backend.backend()
    if backend == "tensorflow" and device != "cpu":
        import tensorflow as tf

        exact = not tf.config.experimental.tensor_float_32_execution_enabled()
        return ["no tf32"] if exact else []
    if backend == "jax":
        import jax  # type: ignore[import-not-found, unused-ignore]

        chosen = jax.config.jax_default_matmul_precision
        return [f"jax {chosen}"] if chosen else []
    if backend == "torch":
        import torch  # type: ignore[import-not-found, unused-ignore]

        chosen = torch.get_float32_matmul_precision()
        return [f"torch {chosen}"] if chosen != "highest" else []
    return []
