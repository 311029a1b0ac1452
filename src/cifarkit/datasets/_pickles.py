"""Pickled batches of CIFAR, read by an unpickler that can build nothing but bytes.

A pickle names the functions that rebuild its values, any functions. The published
batches name three, all of NumPy; here stand-ins of our own take their place, and every
other name is refused. So no code of the file's choosing runs, and none of NumPy's that
would trust the file.
"""

import pickle
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit import _pickled


def unpickle(data: bytes) -> dict[str, Any]:
    """Return the dictionary in a pickle of Python 2, its arrays as uint8.

    Raises:
        pickle.UnpicklingError: the pickle names anything but a NumPy array, or is no
            dictionary. Broken bytes can raise other errors too.
    """
    file = BytesIO(data)
    _pickled.check(file)
    content = _Unpickler(file, encoding="latin1").load()
    if not isinstance(content, dict):
        raise pickle.UnpicklingError(f"not a dictionary: {type(content).__name__}")
    return {
        key: value.array() if isinstance(value, _Bytes) else value
        for key, value in content.items()
    }


class _Bytes:
    """Stands for an array; takes the state that NumPy's own would get."""

    def __init__(self, *_: object) -> None:
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._state = state

    def array(self) -> NDArray[np.uint8]:
        _, shape, _, fortran, data = self._state
        content = data if isinstance(data, bytes) else data.encode("latin1")
        flat = np.frombuffer(content, dtype=np.uint8)
        return flat.reshape(shape, order="F" if fortran else "C")


class _Type:
    """Stands for an array's type, which is uint8 or the sizes will not agree."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Bytes,
    ("numpy._core.multiarray", "_reconstruct"): _Bytes,
    ("numpy", "ndarray"): _Type,
    ("numpy", "dtype"): _Type,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused: {module}.{name}") from None
