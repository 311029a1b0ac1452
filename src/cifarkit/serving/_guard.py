"""What stands before every route: ids, room, and how much and how long a body may be.

Frameworks parse a whole form before a route or a dependency runs, and uvicorn waits for
a body for as long as it dribbles in. So the bytes are counted, and timed, as they come.
"""

import asyncio
import itertools
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias, final

from starlette.exceptions import HTTPException

from cifarkit.serving._answers import Refused, refused
from cifarkit.serving._limits import Limits
from cifarkit.serving._service import Service
from cifarkit.serving._telemetry import Telemetry

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Scope]]
Send: TypeAlias = Callable[[Scope], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_PROCESS, _NUMBERS = uuid.uuid4().hex[:12].encode(), itertools.count()
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


@final
class Guard:
    """An ASGI application before another one.

    Args:
        app: the one that answers what is let in.
        service: what it answers with.
        telemetry: where each request is noted.

    Attributes:
        buffered: bytes of the bodies of all requests in progress.
    """

    def __init__(self, app: App, service: Service, telemetry: Telemetry) -> None:
        self._app, self._service, self._telemetry = app, service, telemetry
        self._inside = self.buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it before its body is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, _id_of(scope))
        posts = scope["method"] == "POST"
        refusal = self._refusal(scope) if posts else None
        if refusal is None:
            await self._let_in(scope, receive, answer, posts)
        else:
            await _refuse(refusal, answer)
        self._note(scope, answer)

    async def _let_in(
        self, scope: Scope, receive: Receive, answer: "_Answer", posts: bool
    ) -> None:
        body = _Body(receive, self._service.limits, self)
        self._inside += posts
        try:
            await self._app(scope, body, answer)
        except Exception as error:
            _log.exception("Request %s failed.", answer.id.decode())
            if not answer.begun:
                await _refuse(refused(error), answer)
        finally:
            self._inside -= posts
            self.buffered -= body.taken

    def _refusal(self, scope: Scope) -> Refused | None:
        if not self._service.ready:
            return Refused(503, f"The model is {self._service.status}. Try later.")
        limits = self._service.limits
        if self._service.batcher.full or self._inside >= limits.requests:
            return Refused(503, "Too much is waiting already. Try again in a second.")
        return _too_large(limits.body) if _length(scope) > limits.body else None

    def _note(self, scope: Scope, answer: "_Answer") -> None:
        seconds = time.perf_counter() - answer.started
        route = scope["path"].removeprefix(scope.get("root_path", ""))  # if mounted
        self._telemetry.note(route, answer.status, seconds)
        _log.debug(
            "%s %r %d in %.1f ms, id %s",
            *(scope["method"], scope["path"], answer.status),
            *(seconds * 1e3, answer.id.decode()),
        )


@final
class _Answer:
    """Sends an answer with the headers that each has, and keeps its status."""

    def __init__(self, send: Send, request: bytes) -> None:
        self._send, self.id = send, request
        self.status, self.started = 500, time.perf_counter()
        self.begun = False

    async def __call__(self, message: Scope) -> None:
        if message["type"] == "http.response.start":
            self.status, self.begun = message["status"], True
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", self.id),
                (b"x-content-type-options", b"nosniff"),
            ]
        await self._send(message)


@final
class _Body:
    """Receives a body of at most so many bytes, within so many seconds."""

    def __init__(self, receive: Receive, limits: Limits, guard: Guard) -> None:
        self._receive, self._limits, self._guard, self.taken = receive, limits, guard, 0
        self._ends = asyncio.get_running_loop().time() + limits.receive
        self._whole = False

    async def __call__(self) -> Scope:
        if self._whole:  # what comes now is the end of the connection
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError:
            raise _http(Refused(408, "The body did not come in time.")) from None
        count = len(message.get("body", b""))
        self.taken += count
        self._guard.buffered += count
        self._whole = not message.get("more_body", False)
        if self.taken > self._limits.body:
            raise _http(_too_large(self._limits.body))
        if self._guard.buffered > self._limits.buffered:
            raise _http(Refused(503, "Too many bytes are held. Try again in a second."))
        return message


def _http(refusal: Refused) -> HTTPException:
    """Return the one error that a framework passes on while it parses a body."""
    return HTTPException(refusal.status, refusal.message, refusal.headers)


async def _refuse(refusal: Refused, send: Send) -> None:
    content = json.dumps(refusal.json).encode()
    headers = {"Content-Type": "application/json", **refusal.headers}
    headers["Content-Length"] = str(len(content))
    pairs = [(key.lower().encode(), text.encode()) for key, text in headers.items()]
    start = {"type": "http.response.start", "status": refusal.status, "headers": pairs}
    await send(start)
    await send({"type": "http.response.body", "body": content})


def _too_large(most: int) -> Refused:
    return Refused(413, f"Expected at most {most:,} bytes; received more. Send fewer.")


def _id_of(scope: Scope) -> bytes:
    """Return the caller's id of a request, if it is harmless, or a new one."""
    given: bytes = dict(scope["headers"]).get(b"x-request-id", b"")
    return given if _ID.fullmatch(given) else b"%s-%d" % (_PROCESS, next(_NUMBERS))


def _length(scope: Scope) -> int:
    """Return how long a body says it is; 0 if it does not."""
    text: bytes = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() else 0
