"""A process that serves until it is told to stop."""

import contextlib
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._extras import require
from cifarkit._numbers import is_whole

_GRACE = 9  # seconds
_LAST_PORT = 65_535


def run(app: Any, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve an application until SIGTERM or Ctrl-C, and answer what was taken.

    What is not answered nine seconds later is cut: platforms kill after ten.

    Args:
        app: what `fastapi_app` returned.
        host: the address to listen at; "0.0.0.0" for every one.
        port: the port; 0 takes a free one.

    Raises:
        MissingExtra: uvicorn is not installed.
        InvalidArgument: there is no such port.

    Example:
        >>> run(fastapi_app("exported/model.onnx"))                  # doctest: +SKIP
    """
    if not is_whole(port, least=0) or port > _LAST_PORT:
        raise InvalidArgument(
            f"Expected a port from 0 (any that is free) to {_LAST_PORT}; received "
            f"{port!r}."
        )
    uvicorn = require("uvicorn", extra="serve")
    from cifarkit.serving._server import Server

    options = {"access_log": False, "timeout_graceful_shutdown": _GRACE}
    server = Server(uvicorn.Config(app, host=host, port=port, **options))
    with contextlib.suppress(KeyboardInterrupt):  # it was told, and has stopped
        server.run()
    if not server.started:
        raise SystemExit(3)  # uvicorn has said why
