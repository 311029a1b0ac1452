"""The check that an amount means something."""

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_number, is_whole


def require_amount(name: str, value: float, most: float) -> None:
    """Refuse an amount outside (0, `most`].

    Raises:
        InvalidArgument: `value` is not a number in that range.
    """
    if not is_number(value) or not 0 < value <= most:
        raise InvalidArgument(
            f"Expected {name} to be a number above 0 and at most {most:g}; received "
            f"{value!r}. Leave the augmentation out to have none of it."
        )


def require_pixels(name: str, value: int) -> None:
    """Refuse a length that is not a positive whole number of pixels.

    Raises:
        InvalidArgument: `value` is none.
    """
    if not is_whole(value, least=1):
        raise InvalidArgument(
            f"Expected {name} to be a positive whole number of pixels; received "
            f"{value!r}. Leave the augmentation out to have none of it."
        )
