"""Where Keras computes: what is faster by hand is so on a CPU alone."""

import keras


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
