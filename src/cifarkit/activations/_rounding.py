"""What products of float32 are computed in: users and machines may allow fewer bits."""

import os

import keras

_ONEDNN = (
    "TF_SET_ONEDNN_FPMATH_MODE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
)

_NVIDIA = "NVIDIA_TF32_OVERRIDE"
_REWRITES = "auto_mixed_precision"


def rounding(device: str) -> str:
    """Return in words what was set otherwise than by default; "" if nothing was.

    The environment can let oneDNN, by which TensorFlow multiplies on a CPU, compute in
    bfloat16, and forbid TF32 to all of a GPU; TensorFlow can rewrite its graphs, and
    has a switch for GPUs; JAX and PyTorch have one for all.

    Args:
        device: the kind of device that computes.
    """
    modes = {os.environ.get(name, "").lower() for name in _ONEDNN} - {"", "strict"}
    override = "" if device == "cpu" else os.environ.get(_NVIDIA, "")
    modes |= {f"tf32 override {override}"} if override else set()
    switched = _SWITCHED.get(keras.backend.backend())
    return ", ".join([*sorted(modes), *(switched(device) if switched else ())])


def _by_tensorflow(device: str) -> list[str]:
    import tensorflow as tf

    options = tf.config.optimizer.get_experimental_options()
    found = sorted(name for name, on in options.items() if on and _REWRITES in name)
    if (
        device != "cpu"
        and not tf.config.experimental.tensor_float_32_execution_enabled()
    ):
        found.append("no tf32")
    return found


def _by_jax(device: str) -> list[str]:
    import jax  # type: ignore[import-not-found, unused-ignore]

    chosen = jax.config.jax_default_matmul_precision
    return [f"jax {chosen}"] if chosen else []


def _by_torch(device: str) -> list[str]:
    import torch  # type: ignore[import-not-found, unused-ignore]

    chosen = torch.get_float32_matmul_precision()
    found = [f"torch {chosen}"] if chosen != "highest" else []
    exact = device != "cpu" and not torch.backends.cudnn.allow_tf32
    return [*found, "torch convolutions without tf32"] if exact else found


_SWITCHED = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}
