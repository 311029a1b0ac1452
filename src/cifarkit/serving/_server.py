"""uvicorn's server, which answers what has come when it is told to stop."""

import asyncio
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, read what has come, and let uvicorn do the rest."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(_SETTLING)
        await super().shutdown(sockets)
