"""Models from `.keras` files that need not be trusted.

Keras refuses code in a file by itself (safe mode). Here a file is looked through before
Keras sees it: it may name layers and operations of Keras and what this process has
registered, and the arrays in it may be no larger than the file, nor lie elsewhere. How
large a network its description asks for is known only when Keras builds it.
"""

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from cifarkit._errors import CorruptFile
from cifarkit._types import Model
from cifarkit.models.resizing import for_xla

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
    "keras.losses",
    "keras.metrics",
    "keras.models",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.quantizers",
    "keras.regularizers",
    "keras.src.models.functional",
    "keras.src.models.sequential",
}
_PRIVATE = ("keras.src.ops.", "keras.src.applications.", "keras.src.layers.")
"""Where Keras has operations and layers without a public name."""

_VALUES = {
    *("__tensor__", "__numpy__", "__keras_tensor__"),
    *("__slice__", "__ellipsis__", "__bytes__"),
}
"""How Keras writes down plain values."""

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
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zip, HDF5 and Keras raise all kinds on other files
        raise CorruptFile(
            f"Expected a model that Keras saved, of layers that it knows, in {path}; "
            f"it cannot be used ({type(error).__name__}: {error!s:.300}). Train or "
            "save it again."
        ) from error
    return for_xla(model)


def check_hdf5(file: Any, *, most: int | None = None) -> None:
    """Raise unless all arrays of an HDF5 file lie in it, and are not too large.

    Args:
        file: its path, or a file object.
        most: bytes that all of them may have; None admits no array that is larger than
            what the file holds of it.

    Raises:
        ValueError: a link, an array elsewhere, or one that is too large.
        OSError: it is no HDF5 file.
    """
    import h5py

    total = 0
    with h5py.File(file, "r") as root:
        for name, array in _arrays_of(root, h5py):
            if array.external or array.is_virtual:
                raise ValueError(f"{name} lies elsewhere")
            total += array.nbytes
            if most is None and array.nbytes > array.id.get_storage_size():
                raise ValueError(f"{name} is larger than what it holds")
            if most is not None and total > most:
                raise ValueError(f"its arrays have more than {most:,} bytes")


def _check(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [each.filename for each in members]
    if set(names) != _MEMBERS or len(names) != len(_MEMBERS):
        raise ValueError(f"it holds {sorted(names)[:9]}")
    if any(each.compress_type != zipfile.ZIP_STORED for each in members):
        raise ValueError("a member is compressed")
    if archive.getinfo("config.json").file_size > LARGEST:
        raise ValueError("its description is too long")
    description = json.loads(archive.read("config.json"))
    description.pop("compile_config", None)  # of the whole model: it is not loaded
    for entry in named_objects(description):
        _check_entry(entry)
    with archive.open("model.weights.h5") as weights:
        check_hdf5(io.BufferedReader(weights))


def named_objects(description: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a Keras description, of whatever depth, that has a class.

    Args:
        description: what `keras.Model.to_json` writes, as dictionaries and lists.
    """
    if isinstance(description, dict):
        if "class_name" in description:
            yield description
        description = list(description.values())
    if isinstance(description, list):
        for each in description:
            yield from named_objects(each)


def _check_entry(entry: dict[str, Any]) -> None:
    """Refuse what is no layer of Keras that only computes.

    Raises:
        ValueError: it is something else.
    """
    name, module = entry["class_name"], entry.get("module")
    if name in _REFUSED:
        raise ValueError(f"{name} is refused")
    if (name in _VALUES and module is None) or module in _MODULES:
        return
    if not _is_of_keras(module, name) and not _is_registered(entry):
        raise ValueError(
            f"{module}.{name} is refused: load it within "
            "keras.saving.custom_object_scope({...}), which names it"
        )


def _is_of_keras(module: Any, name: Any) -> bool:
    """Whether Keras has an operation or a layer of that name where it says."""
    if not isinstance(module, str) or not module.startswith(_PRIVATE):
        return False
    kind = getattr(sys.modules.get(module), str(name), None)
    return isinstance(kind, type) and issubclass(kind, keras.Operation)


def _is_registered(entry: dict[str, Any]) -> bool:
    """Whether this process itself has registered what would be loaded."""
    is_function = entry["class_name"] == "function"
    name = entry.get("config") if is_function else entry.get("registered_name")
    if not isinstance(name, str):
        return False
    kind = keras.saving.get_registered_object(name)
    if is_function:  # Keras has those of its own in the place of Python's
        return kind is not None or entry.get("module") == "builtins"
    return bool(getattr(kind, "__name__", "") == entry["class_name"])


def _arrays_of(root: Any, h5py: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a file; each group is entered once.

    Raises:
        ValueError: a link to elsewhere or back, or what is neither group nor array.
    """
    waiting, seen = [root], set()
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name} is a link")
            each = group[name]
            place = h5py.h5o.get_info(each.id).addr
            if place in seen or not isinstance(each, h5py.Group | h5py.Dataset):
                raise ValueError(f"{name} is a link, or no array")
            seen.add(place)
            if isinstance(each, h5py.Group):
                waiting.append(each)
            else:
                yield each.name, each
