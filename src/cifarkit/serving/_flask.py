"""The service as a Flask application."""

from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from cifarkit._extras import require
from cifarkit._types import Json, Model
from cifarkit.prediction import Predictor
from cifarkit.serving._answers import Refused, refused
from cifarkit.serving._limits import Limits
from cifarkit.serving._service import check_single, service_of


def flask_app(
    model: Model | Predictor | str | Path,
    class_names: Sequence[str] | None = None,
    *,
    limits: Limits | None = None,
) -> Any:
    """Return a Flask application that classifies images, as `fastapi_app` does.

    `GET /health`, `POST /predict` (field `file`), `POST /predict/batch` (field `files`,
    1 to 32). Run it by one process of several threads, so that images run together:
    `gunicorn --workers 1 --threads 8`, without `--preload`. The threads bound how many
    requests are in progress. Nothing bounds how long a body takes to come: a proxy that
    buffers requests has to stand before it.

    Args:
        model: a model or a file of one, as for `Predictor`, or a `Predictor`.
        class_names: as for `Predictor`.
        limits: how much it takes on; by default `Limits()`. `requests`, `receive` and
            `buffered` play no part.

    Raises:
        MissingExtra: Flask is not installed.
        CorruptFile: as for `Predictor`.
        InvalidArgument: likewise.

    Example:
        >>> app = flask_app("exported/model.onnx")                   # doctest: +SKIP
    """
    flask = require("flask", extra="flask")
    service = service_of(model, class_names, limits)
    app = flask.Flask("cifarkit")
    app.config["MAX_CONTENT_LENGTH"] = service.limits.body
    app.json.sort_keys = False  # classes are in label order
    Thread(target=service.warm, daemon=True).start()

    @app.before_request  # type: ignore[untyped-decorator]
    def check() -> None:
        if flask.request.method == "POST" and not service.ready:
            raise Refused(503, f"The model is {service.status}. Try later.")

    @app.get("/health")  # type: ignore[untyped-decorator]
    def health() -> tuple[Json, int]:
        names = list(service.predictor.class_names)
        found = {"status": service.status, "classes": names}
        return found, 200 if service.ready else 503

    @app.post("/predict")  # type: ignore[untyped-decorator]
    def predict() -> Json:
        files = _files(flask.request, "file")
        texts = flask.request.form.getlist("file")
        check_single(len(files) + len(texts) if files else 0)
        (found,) = service.predict(files)
        return found.to_dict()

    @app.post("/predict/batch")  # type: ignore[untyped-decorator]
    def predict_batch() -> Json:
        found = service.predict(_files(flask.request, "files"))
        return {"predictions": [each.to_dict() for each in found]}

    @app.errorhandler(Exception)  # type: ignore[untyped-decorator]
    def problem(error: Any) -> tuple[Json, int, Any]:
        status = getattr(error, "code", None)  # Flask's own errors have one
        found = Refused(status, error.description) if status else refused(error)
        if found.status == 500:
            app.logger.exception("A request failed.")
        own = dict(error.get_headers()) if status else {}  # such as Allow
        own.pop("Content-Type", None)
        return found.json, found.status, {**own, **found.headers}

    return app


def _files(request: Any, field: str) -> list[bytes]:
    """Return the contents of the files of a form."""
    return [file.read() for file in request.files.getlist(field)]
