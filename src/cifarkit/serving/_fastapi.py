"""The service as a FastAPI application."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifarkit._extras import require
from cifarkit._types import Model
from cifarkit.prediction import Predictor
from cifarkit.serving._limits import Limits
from cifarkit.serving._service import service_of


def fastapi_app(
    model: Model | Predictor | str | Path,
    class_names: Sequence[str] | None = None,
    *,
    limits: Limits | None = None,
) -> Any:
    """Return a FastAPI application that classifies images.

    `GET /`, `GET /health` (503 until the model has run and was timed), `POST /predict`
    (field `file`), `POST /predict/batch` (field `files`, 1 to 32), `GET /metrics` for
    Prometheus, `/docs`. Images of all callers run together; what is too much is refused
    with 503 and `Retry-After`. For other limits on connections and headers than
    uvicorn's, put a proxy before it. The model is made ready in the application's
    lifespan, which `mount` does not run: `FastAPI(lifespan=lambda _:
    part.router.lifespan_context(part))` does.

    Args:
        model: a model or a file of one, as for `Predictor`, or a `Predictor`.
        class_names: as for `Predictor`.
        limits: how much it takes on; by default `Limits()`.

    Raises:
        MissingExtra: FastAPI is not installed.
        CorruptFile: as for `Predictor`.
        InvalidArgument: likewise.

    Example:
        >>> app = fastapi_app("exported/model.onnx")                 # doctest: +SKIP
        >>> run(app, port=8000)                                      # doctest: +SKIP
    """
    require("fastapi", extra="serve")
    from cifarkit.serving._routes import build

    return build(service_of(model, class_names, limits))
