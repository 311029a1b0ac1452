"""The FastAPI service: python app.py, then http://localhost:8000/docs.

CIFARKIT_MODEL names the model (exported/model.onnx if it is not set), PORT the port.
"""

import os

import uvicorn

from cifarkit.serving import fastapi_app

MODEL = os.environ.get("CIFARKIT_MODEL", "exported/model.onnx")


def main():
    """Serve until told to stop; who is being answered then gets the answer."""
    port = int(os.environ.get("PORT", "8000"))
    uvicorn.run(
        fastapi_app(MODEL),
        host=os.environ.get("HOST", "0.0.0.0"),  # a container is reached from outside
        port=port,
        access_log=False,
        timeout_graceful_shutdown=9,
    )


if __name__ == "__main__":
    main()
