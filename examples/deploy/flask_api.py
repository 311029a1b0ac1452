"""The Flask service: as Procfile says, gunicorn --threads 8 flask_api:app.

CIFARKIT_MODEL names the model (exported/model.onnx if it is not set).
"""

import os

from cifarkit.serving import flask_app

app = flask_app(os.environ.get("CIFARKIT_MODEL", "exported/model.onnx"))
