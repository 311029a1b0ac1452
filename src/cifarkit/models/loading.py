"""Models from `.keras` files that need not be trusted.

Keras refuses code in a file by itself (safe mode). Here a file is looked through before
Keras sees it: it may name layers of Keras and what this process has registered, and its
weights may be no larger than the file, nor lie elsewhere.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from cifarkit._errors import CorruptFile
from cifarkit._types import Model

LARGEST = 64 * 2**20
"""Bytes that the description of a model may have."""

_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_MODULES = {
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.layers",
    "keras.models",
    "keras.regularizers",
    "keras.src.models.functional",
    "keras.src.models.sequential",
}
_REFUSED = {
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization", "__lambda__"),
}


def loaded(path: Path) -> Model:
    """Return the model in a `.keras` file, without what it was compiled with.

    Raises:
        CorruptFile: Keras cannot load it, or it names what it may not.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive)
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zip, HDF5 and Keras raise all kinds on other files
        raise CorruptFile(
            f"Expected a model that Keras saved, of layers that it knows, in {path}; "
            f"it cannot be used ({type(error).__name__}: {error!s:.300}). Train or "
            "save it again."
        ) from error


def check_hdf5(file: Any) -> None:
    """Raise unless all arrays of an HDF5 file lie in it, as large as they say.

    Args:
        file: its path, or a file object.

    Raises:
        ValueError: a link, an array elsewhere, or one that is larger than the file.
        OSError: it is no HDF5 file.
    """
    import h5py

    with h5py.File(file, "r") as root:
        for name, array in _arrays_of(root, h5py):
            held = array.id.get_storage_size()
            if array.external or array.is_virtual or array.nbytes > held:
                raise ValueError(f"{name} is larger than what it holds")


def _check(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [each.filename for each in members]
    if set(names) != _MEMBERS or len(names) != len(_MEMBERS):
        raise ValueError(f"it holds {sorted(names)[:9]}")
    if any(each.compress_type != zipfile.ZIP_STORED for each in members):
        raise ValueError("a member is compressed")
    if archive.getinfo("config.json").file_size > LARGEST:
        raise ValueError("its description is too long")
    for entry in _entries(json.loads(archive.read("config.json"))):
        _check_entry(entry)
    with archive.open("model.weights.h5") as weights:
        check_hdf5(io.BufferedReader(weights))


def _entries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object that a description names; what was compiled is not loaded."""
    if isinstance(value, list):
        for each in value:
            yield from _entries(each)
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for key, each in value.items():
            if key != "compile_config":
                yield from _entries(each)


def _check_entry(entry: dict[str, Any]) -> None:
    """Refuse what is no layer of Keras that only computes.

    Raises:
        ValueError: it is something else.
    """
    name, module = entry["class_name"], entry.get("module")
    if name in _REFUSED:
        raise ValueError(f"{name} is refused")
    if name in ("__tensor__", "__numpy__", "__keras_tensor__") and module is None:
        return
    registered = entry.get("registered_name")
    known = registered and keras.saving.get_registered_object(registered)
    if module not in _MODULES and not known:
        raise ValueError(f"{module}.{name} is refused: register it first")


def _arrays_of(group: Any, h5py: Any) -> Iterator[tuple[str, Any]]:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link")
        each = group[name]
        if isinstance(each, h5py.Group):
            yield from _arrays_of(each, h5py)
        else:
            yield each.name, each
