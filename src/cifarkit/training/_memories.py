"""What callbacks remember, as arrays and JSON values, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument
from cifarkit._types import Json
from cifarkit.training._numbered import Arrays, numbered, series
from cifarkit.training._watching import Averaged

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
_WATCHER = "watcher"
_PLAIN = (bool, int, float, str, np.generic)


def memories(watchers: Sequence[Any]) -> tuple[Arrays, list[Json]]:
    """Return what callbacks remember: lists of arrays apart from the rest.

    Raises:
        InvalidArgument: it cannot be kept.
    """
    check(watchers)
    arrays: Arrays = {}
    found = []
    for place, watcher in enumerate(filter(_names, watchers)):
        values, lists = _memory(watcher)
        for name, each in lists.items():
            arrays |= numbered(f"{_WATCHER}-{place}-{name}", each)
        found.append({"kind": _kind(watcher), "place": place, "values": values})
    return arrays, found


def remind(
    watchers: Sequence[Any],
    arrays: Mapping[str, NDArray[Any]],
    found: Sequence[Json],
) -> None:
    """Give callbacks what `memories` returned.

    A callback gets the memory of the first one of its kind; one that was not there
    begins anew.
    """
    left = list(found)
    for watcher in filter(_names, watchers):
        memory = next((each for each in left if each["kind"] == _kind(watcher)), None)
        if memory is not None:
            left.remove(memory)
            _give(watcher, memory, arrays)


def check(watchers: Sequence[Any]) -> None:
    """Raise unless what callbacks remember can be kept.

    Raises:
        InvalidArgument: it is no number, text, or list of arrays, or not there.
    """
    for watcher in watchers:
        check_named(watcher)
        absent = [x for x in _own(watcher) if not hasattr(watcher, x)]
        if absent:
            raise _unnamed(watcher)
        for name in _names(watcher):
            value = getattr(watcher, name, None)
            plain = value is None or isinstance(value, _PLAIN)
            if not plain and not _is_of_arrays(value):
                raise InvalidArgument(
                    f"Expected {_kind(watcher)}.{name} to be a number, text, None or "
                    f"a list of arrays, which can be kept; received {value!r:.100}. "
                    "Leave it out of what is remembered."
                )


def check_named(watcher: Any) -> None:
    """Raise unless a callback lists what it remembers by name.

    Raises:
        InvalidArgument: `remembered` is something else.
    """
    given = _own(watcher)
    if not isinstance(given, tuple | list) or not all(
        isinstance(x, str) for x in given
    ):
        raise _unnamed(watcher)


def _unnamed(watcher: Any) -> InvalidArgument:
    return InvalidArgument(
        f"Expected {_kind(watcher)}.remembered to name attributes that it has, as in "
        f"('steps',); received {_own(watcher)!r:.100}."
    )


def _own(watcher: Any) -> Any:
    return getattr(watcher, "remembered", ())


def _kind(watcher: Any) -> str:
    return type(watcher).__name__


def _give(watcher: Any, memory: Json, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, value in memory["values"].items():
        if isinstance(value, dict):
            value = series(f"{_WATCHER}-{memory['place']}-{name}", arrays)
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
    own = tuple(_own(watcher))
    known = (names for kind, names in _REMEMBERED.items() if isinstance(watcher, kind))
    return tuple(dict.fromkeys((*own, *next(known, ()))))
