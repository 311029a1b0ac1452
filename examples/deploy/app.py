"""The FastAPI service: python app.py, then http://localhost:8000/docs.

CIFARKIT_MODEL names the model (exported/model.onnx if it is not set), PORT the port,
HOST=0.0.0.0 lets other machines in.
"""

import os

from cifarkit.serving import fastapi_app, run

if __name__ == "__main__":
    run(
        fastapi_app(os.environ.get("CIFARKIT_MODEL", "exported/model.onnx")),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
    )
