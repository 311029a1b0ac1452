"""Where Keras computes: what is faster by hand is so on a CPU alone."""

import keras

from cifarkit._errors import InvalidArgument


def devices() -> list[str]:
    """Return the devices that Keras computes on, such as `["cpu:0"]`."""
    if keras.backend.backend() != "torch":
        return [str(each) for each in keras.distribution.list_devices()]
    place = keras.ops.zeros(()).device  # Keras lists no devices of PyTorch
    kind = "gpu" if place.type == "cuda" else place.type
    return [f"{kind}:{place.index or 0}"]


def device_kind() -> str:
    """Return the kind of device that Keras computes on: `"cpu"`, `"gpu"`, ..."""
    first, *_ = devices()
    return first.partition(":")[0].lower()


def with_cards(place: str) -> str:
    """Return the name of a device, or of several, with the models of their cards."""
    cards = ", ".join(accelerators())
    return f"{place} ({cards})" if cards else place


def accelerators() -> list[str]:
    """Return the names of the models of the accelerators that Keras computes on."""
    return sorted(_ACCELERATORS.get(keras.backend.backend(), set)())


def _of_jax() -> set[str]:
    import jax  # type: ignore[import-not-found, unused-ignore]

    devices = jax.local_devices()
    return {each.device_kind for each in devices if each.platform != "cpu"}


def _of_tensorflow() -> set[str]:
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    gpus = tf.config.get_visible_devices("GPU")
    return {str(details(each).get("device_name", "GPU")) for each in gpus}


def _of_torch() -> set[str]:
    import torch  # type: ignore[import-not-found, unused-ignore]

    return {torch.cuda.get_device_name()} if torch.cuda.is_available() else set()


_ACCELERATORS = {"jax": _of_jax, "tensorflow": _of_tensorflow, "torch": _of_torch}


def on_tensorflow_cpu() -> bool:
    """Whether Keras runs on TensorFlow, and TensorFlow on a CPU."""
    on_tensorflow = keras.backend.backend() == "tensorflow"
    return on_tensorflow and not any(each.startswith("gpu") for each in devices())


def require_channels_last() -> None:
    """Refuse a setting of Keras under which layers would take columns for colours.

    Raises:
        InvalidArgument: it is set so.
    """
    if (found := keras.config.image_data_format()) != "channels_last":
        raise InvalidArgument(
            f"Expected keras.config.image_data_format() to be 'channels_last'; "
            f"received {found!r}. Call keras.config.set_image_data_format."
        )


def on_one_tensorflow_cpu() -> bool:
    """Whether, besides, no strategy keeps the weights on several devices."""
    if not on_tensorflow_cpu():
        return False
    import tensorflow as tf

    return not tf.distribute.has_strategy()
