"""SIGTERM and Ctrl-C held back until a step has ended, so that it can be kept."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

_HELD = (signal.SIGTERM, signal.SIGINT)


@final
class Held:
    """A signal that came and was not acted on yet."""

    def __init__(self) -> None:
        self.number: int | None = None

    def act(self) -> None:
        """Do what the signal would have done; nothing if none came."""
        number, self.number = self.number, None
        if number is not None:
            signal.raise_signal(number)


@contextmanager
def held_back() -> Iterator[Held]:
    """Hold the first signal back; a second one acts at once, as it always did.

    Only the main thread of a process gets signals: elsewhere nothing is held.
    """
    held = Held()
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    before = {each: signal.getsignal(each) for each in _HELD}
    ours = {each: handler for each, handler in before.items() if handler is not None}

    def restore() -> None:
        for each, handler in ours.items():
            signal.signal(each, handler)

    def note(number: int, frame: Any) -> None:
        held.number = number
        restore()

    for each in ours:
        signal.signal(each, note)
    try:
        yield held
    finally:
        restore()
        held.act()  # it came behind the last step
