"""What computes features: Keras as a user calls it, and cifarkit's engines."""

import keras
import numpy as np
import tensorflow as tf

from cifarkit import activations, models


def keras_predict(trunk, images, batch):
    """Return a run of `model.predict` over a `tf.data` pipeline, as a user writes it.

    Args:
        trunk: a Keras model from RGB in [0, 255] to a feature map.
        images: uint8, shape `(N, 32, 32, 3)`.
        batch: images at a time.
    """
    side = trunk.input_shape[1:3]
    pooled = keras.layers.GlobalAveragePooling2D()(trunk.output)
    model = keras.Model(trunk.input, pooled)

    def resized(images):
        return tf.image.resize(images, side, method="bicubic")

    data = tf.data.Dataset.from_tensor_slices(images).batch(batch)
    data = data.map(resized, num_parallel_calls=tf.data.AUTOTUNE)
    data = data.prefetch(tf.data.AUTOTUNE)
    return lambda: model.predict(data, verbose=0)


def cifarkit_engines(trunk, images, batch):
    """Return a run of each engine that is there, by name, over the same images.

    Args:
        trunk: as in `keras_predict`.
        images: as there; their number is a multiple of `batch`.
        batch: as there.
    """
    prefix = _prefix(trunk, images.shape[1:])
    sample = np.asarray(images[:batch], np.float32)
    own = models.folded(prefix)
    found = {"tensorflow": own.predict_on_batch}
    for precision in ("float32", "bfloat16"):
        run = _openvino(prefix, sample, precision)
        if run is not None:
            found[f"openvino_{precision}"] = run
    return {name: _over(images, batch, run) for name, run in found.items()}


def _openvino(prefix, sample, precision):
    """Return what runs the model in OpenVINO, or None where it is not to be had."""
    try:
        run, engine = activations.engine_for(prefix, sample, precision)
    except ImportError:  # bfloat16 is asked for, and OpenVINO is not installed
        return None
    asked = engine.name == "openvino" and engine.precision == precision
    return run if asked else None


def _over(images, batch, run):
    """Return a run over all images, which become floats a batch at a time."""

    def all_of_them():
        starts = range(0, len(images), batch)
        parts = [
            np.asarray(images[start : start + batch], np.float32) for start in starts
        ]
        return np.concatenate([np.array(run(part)) for part in parts])

    return all_of_them


def _prefix(trunk, native):
    """Return the trunk from native images to pooled features."""
    entry = keras.Input(native, name="images")
    resize = keras.layers.Resizing(*trunk.input_shape[1:3], interpolation="bicubic")
    pooled = keras.layers.GlobalAveragePooling2D()(trunk(resize(entry)))
    return keras.Model(entry, pooled)
