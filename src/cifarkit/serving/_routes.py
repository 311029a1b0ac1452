"""The routes of the FastAPI application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from threading import Thread
from typing import Annotated, Any, TypeAlias

from fastapi import FastAPI, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from cifarkit import __version__
from cifarkit._errors import CifarkitError
from cifarkit.prediction import Prediction
from cifarkit.serving._answers import Refused, refused
from cifarkit.serving._guard import Guard
from cifarkit.serving._limits import BATCH
from cifarkit.serving._service import PATIENCE, Service, check_single
from cifarkit.serving._telemetry import Telemetry


class Answer(BaseModel):
    """What the model says of one image."""

    predicted_class: str
    confidence: float
    probabilities: dict[str, float]


class Answers(BaseModel):
    """What it says of several, in their order."""

    predictions: list[Answer]


class Fault(BaseModel):
    """Why a request was refused."""

    code: str
    message: str


class Problem(BaseModel):
    """The body of every error."""

    error: Fault


_log = logging.getLogger(__name__)

Files: TypeAlias = Annotated[list[UploadFile], Field(min_length=1, max_length=BATCH)]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 408, 413, 415, 422, 500, 503, 504)
}


def build(service: Service) -> FastAPI:
    """Return the application of a service."""
    telemetry, life = Telemetry(service), _life(service)
    about = {"title": "cifarkit", "version": __version__}
    # A caller with a slash too many gets an error like all others, as from Flask.
    app: FastAPI = FastAPIOffline(**about, lifespan=life, redirect_slashes=False)
    app.add_middleware(Guard, service=service, telemetry=telemetry)
    _answer_errors(app)
    _add_predictions(app, service)
    _add_state(app, service, telemetry)
    return app


def _life(service: Service) -> Any:
    """Return what warms a service up, and ends it after the last answer."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        app.state.decoders = ThreadPoolExecutor(service.decoders, "cifarkit-decoder")
        service.begin()
        warming = Thread(target=service.warm, daemon=True)
        warming.start()
        try:
            yield
        finally:
            service.leave()
            await asyncio.to_thread(warming.join, PATIENCE)
            await asyncio.to_thread(service.stop)
            app.state.decoders.shutdown(wait=False, cancel_futures=True)

    return life


def _add_predictions(app: FastAPI, service: Service) -> None:
    async def classified(files: list[bytes]) -> list[Prediction]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(service.limits.deadline):
            decode = partial(service.prepared, files, service.ends())
            images = await loop.run_in_executor(app.state.decoders, decode)
            rows = await asyncio.wrap_future(service.submit(images))
        return service.named(rows)

    @app.post("/predict", response_model=Answer, responses=_PROBLEMS)
    async def predict(file: UploadFile, request: Request) -> JSONResponse:
        """Classify one image: PNG, JPEG, WEBP, GIF or BMP."""
        check_single(len((await request.form()).getlist("file")))
        (found,) = await classified([await file.read()])
        return JSONResponse(found.to_dict())

    @app.post("/predict/batch", response_model=Answers, responses=_PROBLEMS)
    async def predict_batch(files: Files) -> JSONResponse:
        """Classify 1 to 32 images; all are answered, or none."""
        found = await classified([await file.read() for file in files])
        return JSONResponse({"predictions": [each.to_dict() for each in found]})


def _add_state(app: FastAPI, service: Service, telemetry: Telemetry) -> None:
    @app.head("/", include_in_schema=False)  # what balancers ask
    @app.get("/")
    async def alive() -> dict[str, str]:
        """Say that the process lives, and where its pages are."""
        return {"status": "ok", "docs": "/docs", "health": "/health"}

    @app.head("/health", include_in_schema=False)
    @app.get("/health", responses={503: {"description": "The model is not ready."}})
    async def health() -> JSONResponse:
        """Say whether images can be classified, and by what."""
        found = {
            "status": service.status,
            "version": __version__,
            "classes": list(service.predictor.class_names),
            "size": list(service.predictor.size),
            "waiting": service.batcher.waiting,
        }
        return JSONResponse(found, 200 if service.ready else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Give the figures for Prometheus."""
        return Response(telemetry.text(), media_type=telemetry.content_type)


def _answer_errors(app: FastAPI) -> None:
    """Give every error one shape."""

    def answer(found: Refused, headers: Any = None) -> JSONResponse:
        return JSONResponse(
            found.json, found.status, {**found.headers, **(headers or {})}
        )

    async def ours(request: Request, error: Exception) -> JSONResponse:
        return answer(refused(error))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        fields = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors()  # type: ignore[attr-defined]
        )
        return answer(Refused(422, f"Expected a form with files; received {fields}."))

    async def framework(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error.__cause__, OSError):  # no place for what is uploaded
            _log.error("A request could not be held.", exc_info=error.__cause__)
            return answer(refused(error.__cause__))
        status, headers = error.status_code, error.headers  # type: ignore[attr-defined]
        return answer(Refused(status, str(error.detail)), headers)  # type: ignore[attr-defined]

    for kind in (CifarkitError, TimeoutError):  # `Guard` answers all others
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
