"""A trained classifier over HTTP and as a web page.

One core under all of them: a `Predictor` whose images run together, a bounded queue,
and deadlines. Needs `pip install 'cifarkit[serve]'` (FastAPI), `'cifarkit[flask]'` or
`'cifarkit[gradio]'`.

Example:
    >>> from cifarkit.serving import fastapi_app, run
    >>> run(fastapi_app("exported/model.onnx"), port=8000)       # doctest: +SKIP
"""

from cifarkit.serving._batcher import Batcher
from cifarkit.serving._fastapi import fastapi_app
from cifarkit.serving._flask import flask_app
from cifarkit.serving._gradio import gradio_page
from cifarkit.serving._limits import Limits
from cifarkit.serving._run import run

__all__ = ["Batcher", "Limits", "fastapi_app", "flask_app", "gradio_page", "run"]
