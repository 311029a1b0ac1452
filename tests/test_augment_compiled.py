"""Compiled augmentation equals eager augmentation."""

import keras
import numpy as np
import pytest
from keras import ops

from cifarkit import augment
from test_augment import KINDS, S3


def compilers():
    """Return the compilers of the backend in use, by name."""
    if keras.backend.backend() == "jax":
        import jax

        return {"jit": jax.jit}
    import tensorflow as tf

    def graph(function, **options):
        shapes = [(None, 8, 9, 3), (None, 5), (None, function.draws)]
        signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
        call = function.__call__
        return tf.function(call, input_signature=signature, **options)

    return {"graph": graph, "xla": lambda call: graph(call, jit_compile=True)}


@pytest.mark.parametrize("compiler", compilers())
@pytest.mark.parametrize("items", [S3, KINDS], ids=["s3", "every kind"])
def test_compiled_equals_eager(items, compiler):
    """The compiled policy gives the eager batch, whatever the batch size."""
    policy = augment.compose(items)
    compiled = compilers()[compiler](policy)
    generator = np.random.default_rng(0)
    for count in (6, 3):
        images = generator.uniform(0, 255, (count, 8, 9, 3))
        targets = np.eye(5)[np.arange(count) % 5]
        noise = generator.uniform(0, 1, (count, policy.draws))
        arrays = (images, targets, noise)
        batch = [ops.convert_to_tensor(array, "float32") for array in arrays]
        for fast, slow in zip(compiled(*batch), policy(*batch), strict=True):
            fast, slow = ops.convert_to_numpy(fast), ops.convert_to_numpy(slow)
            np.testing.assert_allclose(fast, slow, atol=0.02)
