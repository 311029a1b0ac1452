"""Download from a server of our own that misbehaves in every way it can.

python scripts/chaos/bad_network.py --transfers 100 --json docs/results/bad_network.json

The server speaks https with a certificate that only this process trusts. Whatever it
does, the store must never hold a wrong file; each failure is one `SourceError` in
bounded time; and the next transfer, which is sound, must be kept.
"""

import logging
import os
import random
import socket
import ssl
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import trustme
from telling import options, tell

from cifarkit import _store
from cifarkit._arrays import read, write
from cifarkit._errors import SourceError
from cifarkit._sources import _web, fingerprint, load
from cifarkit._sources._chain import ArraySet, Origin

FAULTS = (
    *("cut", "cut without a length", "reset", "stalled", "dribbling", "wrong bytes"),
    *("error page", "not found", "server error", "longer", "shorter", "empty"),
    *("redirect to http", "redirect to a file", "redirect loop", "no TLS"),
)
SOUND = "sound transfer after it"
ENDS = {True: {"kept"}, False: {"refused", "kept"}}
"""How transfers may end; what is kept is compared with what was meant: bytes behind
the end of a zip file, say, change nothing."""

LIMIT = 12.0
"""Seconds that a failure may take; the patience of the library is cut short here."""


def main():
    """Serve faults, one after the other, each followed by a sound transfer."""
    given = options(__doc__, transfers=100, seed=0)
    logging.disable(logging.WARNING)
    _web._CONNECT_SECONDS, _web._PATIENCE = 1, 2
    draw, seen, slowest = random.Random(given.seed), Counter(), 0.0
    with tempfile.TemporaryDirectory() as work, served(Path(work)) as server:
        for number in range(given.transfers):
            fault = FAULTS[number % len(FAULTS)]
            os.environ["CIFARKIT_HOME"] = f"{work}/store-{number}"
            wanted = arrays_of(number)
            server.sound, server.fault = packed(work, wanted), fault
            server.place = draw.random()
            outcome, seconds = tried(server, number, wanted)
            slowest = max(slowest, seconds)
            seen[fault, outcome] += 1
            server.fault = None
            seen[SOUND, tried(server, number, wanted)[0]] += 1
    outcomes = {f"{fault}: {outcome}": n for (fault, outcome), n in seen.items()}
    bad = [each for each in seen if each[1] not in ENDS[each[0] == SOUND]]
    figures = {
        "transfers": given.transfers,
        "bad": sum(seen[each] for each in bad),
        "slowest_refusal_s": slowest,
        "outcomes": outcomes,
    }
    tell(figures, given.json, seed=given.seed)
    assert not bad, bad
    assert slowest < LIMIT, "a fault held the download up"


def tried(server, number, wanted):
    """Load arrays; return whether they were kept, refused, or worse; and the time."""
    source = _web.Address(f"https://localhost:{server.server_port}/file.npz")

    def decode(path):
        with path.open("rb") as file:
            return read(file)

    set_ = ArraySet(f"set-{number}", fingerprint(wanted), (Origin(source, decode),))
    began = time.monotonic()
    try:
        held = load(set_).arrays
        outcome = "kept" if np.array_equal(held["a"], wanted["a"]) else "kept, wrong"
    except SourceError:
        outcome = "refused"
    except Exception as error:
        outcome = f"{type(error).__name__}"
    seconds = time.monotonic() - began
    files = list((_store.root() / _store.ARRAYS).glob("*"))
    if outcome == "refused" and files:
        outcome = "refused, and something was kept"
    return outcome, seconds


def arrays_of(number):
    """Return arrays that only this transfer has."""
    return {"a": np.random.default_rng(number).random(20_000)}


def packed(work, arrays):
    """Return the bytes of a file of arrays."""
    path = Path(work) / "sound.npz"
    write(path, arrays)
    return path.read_bytes()


class Faulty(BaseHTTPRequestHandler):
    """Answers as the server is told to."""

    def do_GET(self):
        """Answer, or fail."""
        server, content = self.server, self.server.sound
        fault, middle = server.fault, int(server.place * (len(content) - 2)) + 1
        if fault is None:
            self.answer(content)
        elif fault in SIMPLE:
            SIMPLE[fault](self, content, middle)
        elif fault == "reset":
            self.answer(content[:middle], length=len(content))
            self.wfile.flush()
            linger = (b"\x01\0\0\0" + b"\0" * 4,)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, *linger)
            self.connection.close()
        elif fault == "stalled":
            self.answer(content[:middle], length=len(content))
            self.wfile.flush()
            server.over.wait(5)
        elif fault == "dribbling":
            self.answer(b"", length=len(content))
            for byte in content[:200]:
                if server.over.wait(0.1):
                    break
                self.wfile.write(bytes([byte]))

    def answer(self, content, *, status=200, length=None, **headers):
        """Send an answer; the length may be a lie."""
        self.send_response(status)
        if length != -1:
            self.send_header("Content-Length", str(length or len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def handle(self):
        """Answer requests; a client that goes away is no error here."""
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, *_):
        """Say nothing."""


def moved(place):
    """Return a fault that sends the client elsewhere."""

    def answer(self, content, middle):
        self.answer(b"", status=302, Location=place.format(self.server.server_port))

    return answer


PAGE = b"<html>Sign in to this network</html>"
SIMPLE = {
    "cut": lambda self, c, m: self.answer(c[:m], length=len(c)),
    "cut without a length": lambda self, c, m: self.answer(c[:m], length=-1),
    "wrong bytes": lambda self, c, m: self.answer(c[:m] + b"\xff\x00" + c[m + 2 :]),
    "error page": lambda self, c, m: self.answer(PAGE),
    "not found": lambda self, c, m: self.answer(PAGE, status=404),
    "server error": lambda self, c, m: self.answer(PAGE, status=503),
    "longer": lambda self, c, m: self.answer(c + c[:m], length=-1),
    "shorter": lambda self, c, m: self.answer(c[:m]),
    "empty": lambda self, c, m: self.answer(b"", length=-1),
    "redirect to http": moved("http://localhost:{}/file.npz"),
    "redirect to a file": moved("file:///etc/hostname"),
    "redirect loop": moved("https://localhost:{}/file.npz"),
}


class Server(ThreadingHTTPServer):
    """The server; without TLS where that is the fault."""

    daemon_threads = True
    fault = None
    sound = b""
    place = 0.5

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Faulty)
        self.context, self.over = context, threading.Event()

    def finish_request(self, request, client_address):
        """Speak TLS, each connection in its own thread."""
        if self.fault == "no TLS":
            request.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + self.sound)
            return
        request.settimeout(6)
        with self.context.wrap_socket(request, server_side=True) as speaking:
            super().finish_request(speaking, client_address)

    def handle_error(self, request, client_address):
        """Say nothing of a client that goes away."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()


def served(work):
    """Return a server whose certificate this process trusts."""
    os.environ["NO_PROXY"] = "localhost"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(work / "authority.pem")
    os.environ["SSL_CERT_FILE"] = str(work / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return Server(context)


if __name__ == "__main__":
    main()
