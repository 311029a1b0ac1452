"""Lists of arrays under names that keep their order, as a file of arrays has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def numbered(kind: str, values: Sequence[Any]) -> Arrays:
    """Return variables or arrays as arrays, named by their kind and place."""
    return {
        f"{kind}.{place:05}": np.array(keras.ops.convert_to_numpy(each))
        for place, each in enumerate(values)
    }


def series(kind: str, arrays: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the arrays of a kind, in their order."""
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{kind}.")]
