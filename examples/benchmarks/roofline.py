"""The peak of this machine, and how much of it a network takes."""

import math
import time

import keras
import numpy as np
import tensorflow as tf


def operations(model):
    """Return the floating-point operations of one image: two for each product.

    Convolutions and dense layers count, which are all but a few percent.
    """
    products = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            products += math.prod(layer.output.shape[1:]) * math.prod(layer.kernel_size)
        elif isinstance(layer, keras.layers.Conv2D):
            per_output = math.prod(layer.kernel.shape[:-1])
            products += math.prod(layer.output.shape[1:]) * per_output
        elif isinstance(layer, keras.layers.Dense):
            products += math.prod(layer.kernel.shape)
    return 2 * products


def matrix_products(side):
    """Return a float32 matrix product by NumPy and by TensorFlow, by name.

    Each returns its operations per second when it is called.
    """
    random = np.random.default_rng(0)
    left, right = random.random((2, side, side), dtype=np.float32)
    tensors = tf.constant(left), tf.constant(right)

    def timed(product):
        started = time.perf_counter()
        product()
        return 2 * side**3 / (time.perf_counter() - started)

    return {
        "numpy": lambda: timed(lambda: left @ right),
        "tensorflow": lambda: timed(lambda: tf.linalg.matmul(*tensors).numpy()),
    }
