"""Where Keras computes: what is faster by hand is so on a CPU alone."""

import keras

from cifarkit._errors import InvalidArgument


def on_tensorflow_cpu() -> bool:
    """Whether Keras runs on TensorFlow, and TensorFlow on a CPU."""
    on_tensorflow = keras.backend.backend() == "tensorflow"
    return on_tensorflow and not keras.distribution.list_devices("gpu")


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
