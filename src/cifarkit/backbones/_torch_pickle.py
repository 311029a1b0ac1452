"""One pickle of a PyTorch file, read as descriptions of tensors and nothing else.

A pickle can run any program. This reader admits only the names from which PyTorch
rebuilds a state dict: an ordered dictionary, the tensor, two types of storage.
"""

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit import _pickled

_STORAGE_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


@dataclass(frozen=True)
class Storage:
    """A flat run of numbers that lies elsewhere in the file.

    Args:
        key: its name there.
        dtype: the type of its numbers.
        length: how many there are.
    """

    key: str
    dtype: str
    length: int


@dataclass(frozen=True)
class View:
    """A tensor: a strided view into a storage, counted in numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of a copy of what the view sees."""
        return math.prod(self.shape) * np.dtype(self.storage.dtype).itemsize

    def array(self, content: Callable[[Storage], NDArray[Any]]) -> NDArray[Any]:
        """Return a copy of what the view sees; NumPy checks that it stays inside."""
        if math.prod(self.shape) > self.storage.length:
            raise pickle.UnpicklingError("a tensor is larger than its storage")
        flat = content(self.storage)
        strides = [step * flat.itemsize for step in self.strides]
        start = self.offset * flat.itemsize
        return np.ndarray(self.shape, flat.dtype, flat, start, strides).copy()


def unpickle(file: io.BytesIO) -> tuple[Any, dict[str, Storage]]:
    """Read one pickle.

    Returns:
        Its value, with a `View` for each tensor, and all storages by key.

    Raises:
        pickle.UnpicklingError: it names something that is not admitted. Broken bytes
            raise whatever the pickle module raises for them.
    """
    _pickled.check(file)
    unpickler = _Unpickler(file)
    return unpickler.load(), unpickler.storages


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"the name {module}.{name} is not admitted")

    def persistent_load(self, pid: Any) -> Storage:
        match pid:
            # Files before version 1.6 add None: a storage that is no view itself.
            case ("storage", str(dtype), str(key), str(), int(length)) | (
                "storage",
                str(dtype),
                str(key),
                str(),
                int(length),
                None,
            ) if dtype in _STORAGE_TYPES.values() and length >= 0:
                return self.storages.setdefault(key, Storage(key, dtype, length))
        raise pickle.UnpicklingError("a persistent id is not that of a storage")


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> View:
    """Stand in for PyTorch's function; gradients and hooks are left out."""
    return View(storage, offset, shape, strides)
