"""What callers are told: the same words in every service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from cifarkit._errors import (
    CifarkitError,
    InvalidArgument,
    InvalidImage,
    Overloaded,
    TooLate,
    UnknownFormat,
)
from cifarkit._types import Json

CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_format",
    422: "invalid_request",
    500: "internal_error",
    503: "unavailable",
    504: "deadline_exceeded",
}
"""What a status is called in the JSON of an error."""

_RULES: tuple[tuple[type[BaseException], int], ...] = (  # the first that fits
    (UnknownFormat, 415),
    (InvalidImage, 422),
    (InvalidArgument, 422),
    (Overloaded, 503),
    (TooLate, 504),
)


@final
class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: of HTTP.
        message: what was expected, what was received, what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    @property
    def json(self) -> Json:
        """The body of the answer."""
        code = CODES.get(self.status, "error")
        return {"error": {"code": code, "message": self.message}}

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the status."""
        if self.status == 503:
            return {"Retry-After": "1"}
        # What was not read of the request would be taken for the next one.
        return {"Connection": "close"} if self.status in (408, 413) else {}


def refused(error: BaseException) -> Refused:
    """Return what a caller is told of an error; of a fault of ours, nothing more."""
    if isinstance(error, Refused):
        return error
    for kind, status in _RULES:
        if isinstance(error, kind):
            return Refused(status, f"{error!s:.1000}")
    if isinstance(error, TimeoutError):
        return Refused(504, "Expected an answer in time; the deadline passed before.")
    return Refused(500, "The service failed; what was sent is not the reason.")


@contextmanager
def told_on_page(gradio: Any) -> Iterator[None]:
    """Show on a Gradio page what cifarkit raises."""
    try:
        yield
    except CifarkitError as error:
        raise gradio.Error(str(error), print_exception=False) from error
