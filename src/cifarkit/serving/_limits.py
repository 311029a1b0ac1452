"""What a service accepts before it refuses."""

from dataclasses import dataclass, fields
from typing import final

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_number, require_whole

BATCH = 32
"""The most images in one request, and in one batch."""


@final
@dataclass(frozen=True)
class Limits:
    """How much a service takes on.

    Args:
        body: bytes of one request.
        requests: that may be in progress at one time; more are refused at once.
        waiting: images of them that may wait for the model.
        deadline: seconds from a request's last byte to its answer.
        receive: seconds from a request's first line to its last byte.
        buffered: bytes of the bodies of all requests in progress.
        pixels: of one image, width times height; each takes several times its own bytes
            while it is decoded, by at most four decoders at a time.

    Raises:
        InvalidArgument: one of them is not above 0, or fewer than 32 images may wait.
    """

    body: int = 16 * 2**20
    requests: int = 128
    waiting: int = 512
    deadline: float = 10.0
    receive: float = 10.0
    buffered: int = 256 * 2**20
    pixels: int = 16_000_000

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type is float:
                require_number(each.name, value, above=0.0)
            else:
                require_whole(each.name, value)
        if self.waiting < BATCH:
            raise InvalidArgument(
                f"Expected waiting of {BATCH} or more, a whole request; received "
                f"{self.waiting!r}."
            )
