"""An open loop of HTTP requests: sent at their times, whether or not others came back.

A closed loop sends the next request after the last answer, so that a slow server is
asked less, and looks fast. Here the times are set before.
"""

import asyncio
import random
import time
from dataclasses import dataclass

BOUNDARY = "cifarkit-boundary"

_FRESH = 3.0  # seconds: servers close connections that are idle for longer than 5


@dataclass(frozen=True)
class Sent:
    """What became of one request.

    Args:
        at: seconds from the start to the time at which it was due.
        seconds: from that time to the last byte of the answer.
        status: of the answer; 0 without one.
        body: the answer's bytes.
        cut: whether the request was written, and the connection then broke.
    """

    at: float
    seconds: float
    status: int
    body: bytes
    cut: bool


def form(path, field, files):
    """Return the bytes of a POST request with files in a form."""
    parts = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; '
        f'filename="{number}"\r\nContent-Type: image/png\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for number, content in enumerate(files)
    )
    content = parts + f"--{BOUNDARY}--\r\n".encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: local\r\nContent-Length: {len(content)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    ).encode() + content


def get(path):
    """Return the bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: local\r\n\r\n".encode()


async def send(port, requests, rate, seconds, seed=0, *, keep=True):
    """Send requests at random times, of an average rate, and wait for all answers.

    Args:
        port: on this machine.
        requests: bytes of requests, taken in turn.
        rate: requests in a second; their distances are exponential.
        seconds: for how long they are sent.
        seed: of the times.
        keep: whether a connection serves several requests.

    Returns:
        A `Sent` for each, in the order of their times.
    """
    draw, due, tasks = random.Random(seed), 0.0, []
    idle = [] if keep else None
    began = time.perf_counter()
    while (due := due + draw.expovariate(rate)) < seconds:
        if (early := due - (time.perf_counter() - began)) > 0:
            await asyncio.sleep(early)
        content = requests[len(tasks) % len(requests)]
        tasks.append(asyncio.create_task(_one(port, content, idle, began, due)))
    return await asyncio.gather(*tasks)


async def once(port, request):
    """Send one request, and wait for its answer."""
    return await _one(port, request, None, time.perf_counter(), 0.0)


async def _one(port, content, idle, began, due):
    status, body, written = 0, b"", False
    try:
        pair = await _connection(port, idle)
        pair[1].write(content)
        written = True
        status, body, again = await _answer(pair[0])
        if again and idle is not None:
            idle.append((time.perf_counter(), pair))
        else:
            pair[1].close()
    except (OSError, EOFError):
        pass
    seconds = time.perf_counter() - began - due
    return Sent(due, seconds, status, body, written and not status)


async def _connection(port, idle):
    """Return a connection that others have done with, or a new one."""
    while idle:
        since, pair = idle.pop()
        if time.perf_counter() - since < _FRESH:
            return pair
        pair[1].close()
    return await asyncio.open_connection("127.0.0.1", port)


async def _answer(reader):
    """Return status, body, and whether the connection may be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(None, 2)[1])
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    return status, body, b"connection: close" not in head
