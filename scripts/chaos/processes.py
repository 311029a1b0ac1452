"""Processes that part from this one and tell it lines, so that it can kill them."""

import os
import sys


def forked(work, *given, **named):
    """Start a process that calls `work(telling, ...)`.

    Returns:
        Its number, and the open file of the lines that it tells.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading, encoding="utf-8")
    try:
        os.close(reading)
        with os.fdopen(writing, "w", buffering=1, encoding="utf-8") as telling:
            work(telling, *given, **named)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
    finally:
        os._exit(0)


def ended(process):
    """Wait for a process; return the lines that it told."""
    child, telling = process
    with telling:
        lines = telling.read().splitlines()
    os.waitpid(child, 0)
    return lines
