"""Which values are numbers: those of NumPy too, but no truth values."""

import math
from numbers import Integral, Rational, Real
from typing import TypeGuard

from cifarkit._errors import InvalidArgument


def is_whole(value: object, *, least: float = -math.inf) -> TypeGuard[int]:
    """Whether a value is a whole number of at least `least`."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and int(value) >= least  # type: ignore[call-overload]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is whole, or a finite floating-point number."""
    if isinstance(value, Real) and not isinstance(value, Rational):
        return math.isfinite(float(value))
    return is_whole(value)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `"1 epoch"` or `"2 epochs"`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def require_whole(name: str, value: object, *, least: int = 1) -> None:
    """Refuse what is no whole number of at least `least`.

    Raises:
        InvalidArgument: `value` is none.
    """
    if not is_whole(value, least=least):
        raise InvalidArgument(
            f"Expected {name} to be a whole number of at least {least}; "
            f"received {value!r}."
        )


def require_number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> None:
    """Refuse what is no finite number in a range.

    Args:
        name: what the error calls it.
        value: anything.
        least: the least that it may be, or
        above: what it has to be above.
        most: the most that it may be, or
        below: what it has to be below.

    Raises:
        InvalidArgument: `value` is none.
    """
    if is_number(value) and _lies(float(value), least, above, most, below):
        return
    lowest = f"above {above:g}" if above > -math.inf else f"of at least {least:g}"
    highest = f" and at most {most:g}" if most < math.inf else ""
    highest = f" and below {below:g}" if below < math.inf else highest
    raise InvalidArgument(
        f"Expected {name} to be a number {lowest}{highest}; received {value!r}."
    )


def _lies(number: float, least: float, above: float, most: float, below: float) -> bool:
    return least <= number <= most and above < number < below
