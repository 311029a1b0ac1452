"""uvicorn's server, which answers what has come when it is told to stop."""

import asyncio
import gc
import socket
from typing import final

import uvicorn

_SETTLING = 0.2  # seconds in which bytes that have arrived are read


@final
class Server(uvicorn.Server):
    """A server that closes its door first, and idle connections a little later.

    uvicorn closes every connection at once that has no request in work, also one whose
    request lies in the buffers of the system and was not read yet.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, and leave all that was loaded out of every later clearing up.

        TensorFlow and Keras are very many objects that stay. To look through them for
        rubbish would stop every request for a while, now and then.
        """
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, read what has come, and let uvicorn do the rest."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(_SETTLING)
        await super().shutdown(sockets)
