"""All that a phase in progress consists of, as arrays and JSON values, and back.

These are the variables of what learns, its random seeds and its running metrics, those
of the optimizer with its averages, and what the callbacks remember.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import CorruptFile, InvalidArgument
from cifarkit._types import Json, Model
from cifarkit.training._watching import Averaged

Arrays = dict[str, NDArray[Any]]

_BEST = ("wait", "best", "best_epoch", "best_weights", "stopped_epoch")
_REMEMBERED: Mapping[type, tuple[str, ...]] = {
    Averaged: ("own",),
    keras.callbacks.EarlyStopping: _BEST,
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: (
        "best",
        "_batches_seen_since_last_saving",
        "_last_batch_seen",
    ),
}
_MODEL, _METRIC, _WATCHER = "model", "metric", "watcher"
_PLAIN = (bool, int, float, str, np.generic)


def taken(model: Model, watchers: Sequence[Any]) -> tuple[Arrays, list[Json]]:
    """Return the arrays of a compiled model, and what its callbacks remember."""
    synchronise(model)
    arrays: Arrays = {}
    for kind, variables in (_MODEL, _learning(model)), (_METRIC, _metrics(model)):
        arrays |= numbered(kind, variables)
    remembered = []
    for place, watcher in enumerate(filter(_names, watchers)):
        values, lists = _memory(watcher)
        for name, each in lists.items():
            arrays |= numbered(f"{_WATCHER}-{place}-{name}", each)
        remembered.append({"kind": _kind(watcher), "place": place, "values": values})
    return arrays, remembered


def put_back(model: Model, watchers: Sequence[Any], arrays: Any, memories: Any) -> None:
    """Give a compiled model and its callbacks what `taken` took; not the metrics.

    A callback gets the memory of the first one of its kind; one that was not there
    begins anew.

    Raises:
        CorruptFile: the arrays are not those of this model.
    """
    _assign(_learning(model), _series(_MODEL, arrays))
    left = list(memories)
    for watcher in filter(_names, watchers):
        memory = next((each for each in left if each["kind"] == _kind(watcher)), None)
        if memory is not None:
            left.remove(memory)
            _remind(watcher, memory, arrays)


def put_back_metrics(model: Model, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give a model the running metrics of the epoch that `taken` saw."""
    _assign(_metrics(model), _series(_METRIC, arrays))


def synchronise(model: Model) -> None:
    """Bring variables up to date; Keras on JAX leaves them behind within an epoch."""
    getattr(model, "jax_state_sync", lambda: None)()


def is_finite(model: Model) -> bool:
    """Whether all weights that learn are numbers, and finite."""
    return all(
        bool(keras.ops.all(keras.ops.isfinite(each)))
        for each in model.trainable_variables
    )


def check(watchers: Sequence[Any]) -> None:
    """Raise unless what callbacks remember can be kept.

    Raises:
        InvalidArgument: it is no number, text, or list of arrays.
    """
    for watcher in watchers:
        for name in _names(watcher):
            value = getattr(watcher, name, None)
            plain = value is None or isinstance(value, _PLAIN)
            if not plain and not _is_of_arrays(value):
                raise InvalidArgument(
                    f"Expected {_kind(watcher)}.{name} to be a number, text, None or "
                    f"a list of arrays, which can be kept; received {value!r:.100}. "
                    "Leave it out of what is remembered."
                )


def seeds_of(model: Model) -> list[Any]:
    """Return the variables of a model that are no weights: random seeds."""
    weights = {id(each) for each in model.weights}
    return [each for each in _distinct(model.variables) if id(each) not in weights]


def _learning(model: Model) -> list[Any]:
    metrics = {id(each) for each in _metrics(model)}
    found = _distinct([*model.variables, *model.optimizer.variables])
    return [each for each in found if id(each) not in metrics]


def _metrics(model: Model) -> list[Any]:
    return _distinct(model.metrics_variables)


def _distinct(variables: Sequence[Any]) -> list[Any]:
    return list({id(each): each for each in variables}.values())


def _kind(watcher: Any) -> str:
    return type(watcher).__name__


def _remind(watcher: Any, memory: Json, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, value in memory["values"].items():
        if isinstance(value, dict):
            value = _series(f"{_WATCHER}-{memory['place']}-{name}", arrays)
        setattr(watcher, name, value)


def _memory(watcher: Any) -> tuple[Json, dict[str, Sequence[Any]]]:
    """Return what a callback remembers; lists of arrays apart from the rest."""
    memory: Json = {}
    lists: dict[str, Sequence[Any]] = {}
    for name in _names(watcher):
        value = getattr(watcher, name, None)
        if _is_of_arrays(value):
            lists[name] = list(value or ())
            value = {"arrays": len(lists[name])}
        memory[name] = value.item() if isinstance(value, np.generic) else value
    return memory, lists


def _is_of_arrays(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(hasattr(x, "shape") for x in value)


def _names(watcher: Any) -> tuple[str, ...]:
    """Return what a callback says that it remembers, and what we know that it does."""
    own = tuple(getattr(watcher, "remembered", ()))
    known = (names for kind, names in _REMEMBERED.items() if isinstance(watcher, kind))
    return tuple(dict.fromkeys((*own, *next(known, ()))))


def numbered(kind: str, values: Sequence[Any]) -> Arrays:
    """Return variables or arrays as arrays with names that keep their order."""
    return {
        f"{kind}.{place:05}": np.array(keras.ops.convert_to_numpy(each))
        for place, each in enumerate(values)
    }


def _series(kind: str, arrays: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    names: Iterator[str] = (name for name in arrays if name.startswith(f"{kind}."))
    return [arrays[name] for name in sorted(names)]


def _assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    expected = [tuple(each.shape) for each in variables]
    received = [each.shape for each in values]
    if expected != received:
        raise CorruptFile(
            f"Expected a checkpoint of {len(expected)} variables as this network and "
            f"its optimizer have them; received {len(received)} others."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
