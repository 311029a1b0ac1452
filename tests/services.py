"""Real services for tests: small models, and servers in threads and processes."""

import io
import socket
import threading
import time
from contextlib import contextmanager

import keras
import numpy as np
import uvicorn
from PIL import Image

from cifarkit import heads, models

NAMES = ("cat", "dog", "frog")


def classifier(size=16):
    """Return a small network that resizes inside, with fixed weights."""
    image = keras.Input((size, size, 3))
    init = keras.initializers.GlorotUniform
    unit = keras.layers.Rescaling(1 / 32)(image)
    maps = keras.layers.Conv2D(8, 3, strides=4, kernel_initializer=init(1))(unit)
    body = keras.Model(image, maps, name="body")
    head = heads.linear().build(tuple(body.output_shape[1:]), 3, seed=0)
    return models.assemble(body, head)


def picture(seed=0, height=12, width=10):
    """Return an image: coarse patches of colour."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 3, 3)).astype(np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), 0))


def png(seed=0):
    """Return an image file's bytes."""
    content = io.BytesIO()
    Image.fromarray(picture(seed)).save(content, "PNG")
    return content.getvalue()


def free_port():
    """Return a port that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def running(app):
    """Serve an ASGI application by a real server, and give its address."""
    port = free_port()
    config = uvicorn.Config(app, port=port, access_log=False, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
