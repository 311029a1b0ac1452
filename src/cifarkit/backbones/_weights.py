"""What the argument `weights=` means: a named set, a file, or random numbers."""

import os
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cifarkit import _arrays, models
from cifarkit._errors import CorruptFile, InvalidArgument, SourceError
from cifarkit._sources import ArraySet, fingerprint, load
from cifarkit._types import Arrays, Model
from cifarkit.backbones import _preprocess
from cifarkit.backbones._assign import assign
from cifarkit.backbones._spec import (
    RANDOM,
    BackboneSpec,
    Fill,
    Filled,
    Reader,
    WeightSet,
)

_NUMPY, _KERAS = ".npz", ".weights.h5"
_MORE = 2**20  # bytes of the heads of a file
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile)


def choose(spec: BackboneSpec, weights: str | os.PathLike[str] | None) -> WeightSet:
    """Return the weight set that `weights` means for a backbone.

    Raises:
        UnknownName: a name, and no set has it.
        SourceError: a path, and no file is there.
        InvalidArgument: a path with a suffix that this backbone does not read.
    """
    if weights is None:
        return replace(spec.default, name=RANDOM, fill=None, licence="")
    if isinstance(weights, os.PathLike) or _is_path(weights):
        return _from_file(spec, Path(weights).expanduser())
    return spec.weights(weights)


def stored(arrays: ArraySet) -> Fill:
    """Return what fills a model with arrays from the source chain."""
    return partial(_fill_from_chain, arrays)


def _is_path(weights: object) -> bool:
    """Tell a path from the name of a set, which has no dot and no separator."""
    return isinstance(weights, str) and ("." in weights or os.sep in weights)


def _from_file(spec: BackboneSpec, path: Path) -> WeightSet:
    if not os.path.isfile(path):  # which no path makes raise
        raise SourceError(
            f"Expected a weights file; received {str(path)!r}, and no file is there. "
            f"Give its path, or one of: {', '.join(each.name for each in spec.sets)}."
        )
    base, fill = _reading(spec, path)
    return replace(base, name=path.name, fill=fill, licence="")


def _reading(spec: BackboneSpec, path: Path) -> tuple[WeightSet, Fill]:
    """Return the set whose graph the file fits, and what fills it."""
    if path.name.endswith(_KERAS):
        return spec.default, partial(_fill_by_keras, path)
    if path.suffix == _NUMPY:
        return spec.default, partial(_fill_from_npz, path)
    for each in spec.sets:
        if path.suffix in each.readers:
            reader = each.readers[path.suffix]
            return each, partial(_fill_from_file, path, reader)
    own = [suffix for each in spec.sets for suffix in each.readers]
    raise InvalidArgument(
        f"Expected a weights file for {spec.name} that ends in "
        f"{', '.join([_NUMPY, _KERAS, *own])}; received {path.name!r}. "
        f"Convert it to {_NUMPY}, one array for each 'layer/variable'."
    )


def _fill_from_chain(arrays: ArraySet, model: Model, _: int) -> Filled:
    loaded = load(arrays)
    _assign(model, loaded.arrays)
    return Filled(loaded.source, loaded.digest)


def _fill_from_file(path: Path, read: Reader, model: Model, _: int) -> Filled:
    try:
        arrays = read(path)
    except CorruptFile:
        raise
    except _UNREADABLE as error:
        raise _corrupt(path, error) from error
    _assign(model, arrays)
    return Filled(f"file {path.name}", fingerprint(arrays))


def _fill_from_npz(path: Path, model: Model, size: int) -> Filled:
    def read(path: Path) -> Arrays:
        with path.open("rb") as file:
            arrays = _arrays.read(file, most=_most(model))
        return {name: each.astype("float32") for name, each in arrays.items()}

    return _fill_from_file(path, read, model, size)


def _most(model: Model) -> int:
    """Return the bytes that a file of a model's weights may hold: float64 at most."""
    return _MORE + sum(8 * int(np.prod(weight.shape)) for weight in model.weights)


def _fill_by_keras(path: Path, model: Model, _: int) -> Filled:
    constants = _constants(model)
    try:
        models.check_hdf5(path, most=_most(model))
        model.load_weights(str(path))
    except _UNREADABLE as error:
        raise _corrupt(path, error) from error
    arrays = {variable.path: variable.numpy() for variable in model.weights}
    assign(model, {**arrays, **constants})
    return Filled(f"file {path.name}", fingerprint(arrays))


def _assign(model: Model, arrays: Arrays) -> None:
    assign(model, {**arrays, **_constants(model)})


def _constants(model: Model) -> Arrays:
    """Return the weights of the preprocessing, which no file may change."""
    return {
        variable.path: variable.numpy().copy()
        for layer in model.layers
        if _preprocess.is_preprocessing(layer)
        for variable in layer.weights
    }


def _corrupt(path: Path, error: Exception) -> CorruptFile:
    return CorruptFile(
        f"Expected weights of this network in {path.name}; received a file that "
        f"cannot be read as such ({error!s:.300}). Give the file of this network."
    )
