"""The names of a model's classes, wherever they come from."""

from typing import Any


def checked_names(given: Any, classes: int) -> tuple[str, ...]:
    """Return class names as a tuple.

    Args:
        given: names in label order, a list or a tuple of texts.
        classes: how many there must be.

    Raises:
        ValueError: these are no such names, not so many, or not all different.
    """
    listed = isinstance(given, list | tuple)
    if not listed or not all(isinstance(each, str) and each for each in given):
        raise ValueError("it is no list of names")
    if len(set(given)) != len(given) or len(given) != classes:
        raise ValueError(f"it has {len(set(given))} different ones")
    "".join(given).encode()  # what UTF-8 cannot hold no answer could name
    return tuple(given)
