"""A process that serves until it is told to stop."""

from typing import Any

from cifarkit._extras import require

_GRACE = 9  # seconds: platforms kill after ten


def run(app: Any, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve an application until SIGTERM or Ctrl-C, and answer what was taken.

    Args:
        app: what `fastapi_app` returned.
        host: the address to listen at; "0.0.0.0" for every one.
        port: likewise.

    Raises:
        MissingExtra: uvicorn is not installed.

    Example:
        >>> run(fastapi_app("exported/model.onnx"))                  # doctest: +SKIP
    """
    uvicorn = require("uvicorn", extra="serve")
    from cifarkit.serving._server import Server

    options = {"access_log": False, "timeout_graceful_shutdown": _GRACE}
    Server(uvicorn.Config(app, host=host, port=port, **options)).run()
