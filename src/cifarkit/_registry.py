"""Named values: a name that is taken, or that nothing has, is an error."""

import difflib
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from cifarkit._errors import InvalidArgument, UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """Values by name: what is added is what is found, and nothing is overwritten.

    Args:
        kind: what the values are, in the singular; it appears in the errors.
        listing: the call that lists the names; it appears in the errors.

    Example:
        >>> sizes = Registry[int]("size", listing="sizes.names()")
        >>> sizes.add("small", 96)
        >>> sizes.get("small")
        96
    """

    def __init__(self, kind: str, *, listing: str) -> None:
        self._kind = kind
        self._listing = listing
        self._values: dict[str, T] = {}

    def add(self, name: str, value: T) -> None:
        """Add `value` under `name`.

        Raises:
            InvalidArgument: the name is taken.
        """
        if name in self._values:
            raise InvalidArgument(
                f"Expected a new {self._kind} name; received {name!r}, which is taken. "
                f"Choose another name; {self._listing} lists those in use."
            )
        self._values[name] = value

    def get(self, name: str) -> T:
        """Return the value under `name`.

        Raises:
            UnknownName: nothing has that name; the text suggests the nearest.
        """
        if not isinstance(name, Hashable) or name not in self._values:
            raise UnknownName(unknown(self._kind, name, self._values, self._listing))
        return self._values[name]

    def names(self) -> tuple[str, ...]:
        """Return all names, in the order in which they were added."""
        return tuple(self._values)


def require_one_of(name: str, value: object, known: tuple[object, ...]) -> None:
    """Refuse what is none of a few values.

    Raises:
        InvalidArgument: `value` is none of `known`.
    """
    if value not in known:
        listing = ", ".join(map(repr, known))
        raise InvalidArgument(
            f"Expected {name} to be one of {listing}; received {value!r}."
        )


def require_known(kind: str, value: object, known: Iterable[str], listing: str) -> None:
    """Refuse what is none of some names.

    Args:
        kind: what the names are of, in the singular; it appears in the error.
        value: anything.
        known: the names.
        listing: the call that lists them, or where they are written down.

    Raises:
        UnknownName: `value` is none of them; the text suggests the nearest.
    """
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        raise UnknownName(unknown(kind, value, names, listing))


def unknown(
    kind: str, name: object, names: Iterable[str] | Mapping[str, object], listing: str
) -> str:
    """Return the sentence for a name that is not among `names`."""
    known = list(names)
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
    return f"Unknown {kind} {name!r}. {hint} See {listing}."
