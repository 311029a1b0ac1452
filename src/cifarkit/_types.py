"""Names for the values that pass between the parts.

Keras and TensorFlow are untyped, so their objects get an alias here and nothing more.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Images: TypeAlias = NDArray[np.uint8]
"""RGB images, uint8, shape `(N, H, W, 3)`, values in [0, 255]."""

Labels: TypeAlias = NDArray[np.int64]
"""Class numbers, int64, shape `(N,)`, values in [0, number of classes)."""

Floats: TypeAlias = NDArray[np.float32]
"""A float32 array; its shape stands in the docstring that uses it."""

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
"""Arrays by name: the decoded content of a data set or of a set of weights."""

Tensor: TypeAlias = Any
"""A tensor of whatever backend Keras runs on."""

Model: TypeAlias = Any
"""A `keras.Model`."""

Layer: TypeAlias = Any
"""A `keras.layers.Layer`."""

Json: TypeAlias = dict[str, Any]
"""A JSON object, as `json.dumps` takes it."""
