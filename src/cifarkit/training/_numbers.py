"""The checks that a number means something."""

import math
from numbers import Integral, Real

from cifarkit._errors import InvalidArgument


def require_whole(name: str, value: object, *, least: int = 1) -> None:
    """Refuse what is no whole number of at least `least`; NumPy's integers are.

    Raises:
        InvalidArgument: `value` is none.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or int(str(value)) < least:
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
) -> None:
    """Refuse what is no finite number from `least`, or above `above`, to `most`.

    Raises:
        InvalidArgument: `value` is none.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    found = float(str(value)) if number else math.nan
    if math.isfinite(found) and least <= found <= most and found > above:
        return
    lowest = f"above {above:g}" if above > -math.inf else f"of at least {least:g}"
    highest = f" and at most {most:g}" if most < math.inf else ""
    raise InvalidArgument(
        f"Expected {name} to be a number {lowest}{highest}; received {value!r}."
    )
