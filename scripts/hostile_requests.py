"""The FastAPI service under hostile and interrupted use, over real sockets.

python scripts/hostile_requests.py MODEL --json docs/results/hostile_requests.json

Schemathesis on its own schema, mutated raw requests, many callers with images of their
own, and SIGTERM under load. MODEL is whatever `cifarkit serve` takes.
"""

import argparse
import asyncio
import io
import itertools
import json
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from cifarkit import datasets
from cifarkit.prediction import Predictor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from openloop import form, send  # noqa: E402
from surroundings import surroundings  # noqa: E402

PATIENCE = 180  # seconds until a service is ready


def main():
    """Do each in turn, with a fresh service."""
    options = parsed()
    files = pictures(200)
    with served(options.model) as (process, port):
        schema = schemathesis(port, options.cases)
        alive = process.poll() is None
    with served(options.model) as (process, port):
        raw = mutated(port, options.requests, files)
        raw["worker_lost"] = process.poll() is not None
    with served(options.model) as (_, port):
        talk = cross_talk(port, options.model, files, options.clients)
    figures = {
        "command": command(),
        "seed": 0,
        **surroundings(),
        "schemathesis": {**schema, "worker_lost": not alive},
        "raw_requests": raw,
        "cross_talk": talk,
        "stop": [stopped(options.model, files, turn) for turn in range(options.stops)],
    }
    write_json(options.json, figures)
    print(json.dumps(figures, indent=2))
    assert not schema["failures"], "Schemathesis found something"
    lost = not alive or raw["worker_lost"]
    assert not lost, "a worker was lost"
    odd = [name for name in raw["statuses"] if name.startswith("5") or name == "silent"]
    assert not odd, f"raw requests were answered by {odd}"
    assert talk["wrong"] == 0, "an answer went to another"
    cut = sum(each["cut_within_a_request"] for each in figures["stop"])
    assert cut == 0, f"{cut} requests were cut by a stop"
    assert all(each["answered"] for each in figures["stop"]), "there was no load"


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="saved or exported")
    parser.add_argument("--json", type=Path, required=True, help="where figures go")
    parser.add_argument("--cases", type=int, default=1000, help="for each operation")
    parser.add_argument("--requests", type=int, default=5000, help="mutated ones")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--stops", type=int, default=10)
    return parser.parse_args()


def pictures(count):
    """Return distinct test images as PNG."""
    found = []
    for pixels in datasets.cifar10().test.images[:count]:
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "PNG")
        found.append(content.getvalue())
    return found


@contextmanager
def served(model):
    """Serve a model until it is ready; give the process and the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = [sys.executable, "-m", "cifarkit", "serve", model, "--port", str(port)]
    process = subprocess.Popen(run, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while not ready(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("The service ended early, or is never ready.")
            time.sleep(0.2)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def ready(port):
    """Whether a service would take images."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def schemathesis(port, cases):
    """Run Schemathesis with all checks; its whole summary goes along."""
    url = f"http://127.0.0.1:{port}/openapi.json"
    program = Path(sys.executable).with_name("schemathesis")
    program = [program, "--config-file", ROOT / "tests" / "schemathesis.toml"]
    options = ["--checks", "all", "--max-examples", str(cases), "--no-color"]
    run = [*program, "run", url, *options, "--generation-deterministic"]
    began = time.perf_counter()
    done = subprocess.run(run, capture_output=True, text=True)
    summary = done.stdout.split("SUMMARY", 1)[-1]
    lines = [line.strip(" =") for line in summary.splitlines()]
    return {
        "failures": done.returncode != 0,
        "cases_an_operation": cases,
        "seconds": time.perf_counter() - began,
        "summary": [line for line in lines if line],
        **({"output": done.stdout[-4000:]} if done.returncode else {}),
    }


def mutated(port, count, files):
    """Send requests with bytes changed, and count the answers by status."""
    draw = random.Random(0)
    whole = [
        form("/predict", "file", files[:1]),
        form("/predict/batch", "files", files[:3]),
        b"GET /health HTTP/1.1\r\nHost: local\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: local\r\n\r\n",
    ]
    statuses = {}
    for number in range(count):
        status = asked(port, changed(draw, whole[number % len(whole)]))
        statuses[status] = statuses.get(status, 0) + 1
        if number % 500 == 0:
            health = httpx.get(f"http://127.0.0.1:{port}/health").status_code
            statuses[f"health {health}"] = statuses.get(f"health {health}", 0) + 1
    return {"requests": count, "statuses": dict(sorted(statuses.items()))}


def changed(draw, content):
    """Return a request with one to six changes, most of them in its head."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 6)):
        data = data or bytearray(1)
        near = len(data) if draw.random() < 0.4 else min(len(data), 300)
        place = draw.randrange(near)
        kind = draw.randrange(4)
        if kind == 0:
            data[place] = draw.randrange(256)
        elif kind == 1:
            del data[place : place + draw.randint(1, 20)]
        elif kind == 2:
            data[place:place] = draw.choice(ODD)
        else:
            data = data[: place + 1]
    return bytes(data)


ODD = (
    *(b"\r\n", b"\r\n\r\n", b"\0", b"\xff\xfe", b"Transfer-Encoding: chunked\r\n"),
    *(b"Content-Length: 99999999999\r\n", b"Content-Length: -1\r\n", b"%00", b"../"),
    *(b"Expect: 100-continue\r\n", b"boundary=", b'filename="', b"A" * 70_000),
)


def asked(port, content):
    """Return the status of an answer; "closed" or "silent" where there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
        except TimeoutError:
            return "silent"
        except OSError:
            return "closed"
    return answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "closed"


def cross_talk(port, model, files, clients):
    """Let callers send images at once; each answer must be of its own image."""
    wanted = [
        list(each.probabilities.values()) for each in Predictor(model).batch(files)
    ]
    url = f"http://127.0.0.1:{port}/predict"

    def call(client):
        order = list(range(len(files)))
        random.Random(client).shuffle(order)
        with httpx.Client(timeout=60) as session:
            for place in order:
                answer = session.post(url, files={"file": files[place]}).json()
                found = list(answer["probabilities"].values())
                yield float(np.abs(np.subtract(found, wanted[place])).max())

    with ThreadPoolExecutor(clients) as pool:
        parts = pool.map(lambda client: list(call(client)), range(clients))
        found = list(itertools.chain.from_iterable(parts))
    apart = min(
        np.abs(np.subtract(one, other)).max()
        for number, one in enumerate(wanted)
        for other in wanted[:number]
    )
    return {
        "clients": clients,
        "answers": len(found),
        "largest_difference": max(found),
        "wrong": sum(each > 1e-4 for each in found),
        "images_that_no_other_answer_fits": float(apart),
    }


def stopped(model, files, seed):
    """Stop a service under load: nothing that was taken may be lost."""
    with served(model) as (process, port):
        requests = [form("/predict", "file", [content]) for content in files]

        async def load():
            going = send(port, requests, 200, 4, seed, keep=False)
            sending = asyncio.create_task(going)
            await asyncio.sleep(1.5)
            process.send_signal(signal.SIGTERM)
            began = time.perf_counter()
            await asyncio.to_thread(process.wait, 20)
            return time.perf_counter() - began, await sending

        seconds, sent = asyncio.run(load())
    answered = [each for each in sent if each.status]
    return {
        "exit_after_s": seconds,
        "exit_code": process.returncode,
        "answered": len(answered),
        "other_statuses": sorted({each.status for each in answered} - {200}),
        "cut_within_a_request": sum(each.cut for each in sent),
    }


if __name__ == "__main__":
    main()
