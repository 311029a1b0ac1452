"""What an amount has to be."""

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_number, is_whole


def amount_of(name: str, value: float, most: float) -> float:
    """Return an amount of (0, `most`].

    Raises:
        InvalidArgument: `value` is not a number in that range.
    """
    if not is_number(value) or not 0 < value <= most:
        raise InvalidArgument(
            f"Expected {name} to be a number above 0 and at most {most:g}; received "
            f"{value!r}. Leave the augmentation out to have none of it."
        )
    return float(value)


def pixels_of(name: str, value: int) -> int:
    """Return a length, a positive whole number of pixels.

    Raises:
        InvalidArgument: `value` is none.
    """
    if not is_whole(value, least=1):
        raise InvalidArgument(
            f"Expected {name} to be a positive whole number of pixels; received "
            f"{value!r}. Leave the augmentation out to have none of it."
        )
    return int(value)
