"""The FastAPI service under load: its server on one core, the callers on another.

python examples/benchmarks/serving.py --json PATH [--format onnx] [--quick]

MobileNetV2 at 96 pixels, CIFAR-10's test images as PNG. First the model alone, on the
server's core and in batches of 32, decoding included; then single images, batches, and
three times what the service can take.
"""

import argparse
import asyncio
import gc
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from measuring import command, write_json
from openloop import form, get, once, send
from PIL import Image
from surroundings import surroundings

SERVER, CLIENT = {0}, {1}
SHARES = {"/predict": 0.5, "/predict/batch": 0.7}  # of the ceiling, asked for
_PATIENCE = 60  # seconds in which a service has to come back after an overload
_SLOW = 500  # milliseconds: a rate at which some wait longer is not held
ALONE = """
import json, sys, time
from pathlib import Path
from cifarkit.prediction import Predictor
predictor = Predictor(sys.argv[1])
files = [path.read_bytes() for path in sorted(Path(sys.argv[2]).iterdir())]
batches = [files[start:start + 32] for start in range(0, len(files), 32)]
rates = []
for turn in range(int(sys.argv[3])):
    began = time.perf_counter()
    for batch in batches:
        predictor.batch(batch)
    rates.append(len(files) / (time.perf_counter() - began))
print(json.dumps(rates[1:]))
"""


def main():
    """Export, measure the ceiling, then the service; write the figures."""
    options = parsed()
    os.sched_setaffinity(0, SERVER | CLIENT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, files = exported(folder, options.format), pictures(folder / "png")
        ceiling = alone(model, folder / "png", turns=4 if options.quick else 12)
        gc.collect()
        gc.freeze()  # a pause of the caller would look like one of the service
        with served(model) as port:
            os.sched_setaffinity(0, CLIENT)
            seconds = 5 if options.quick else 60
            loads = {
                route: asyncio.run(loaded(port, route, files, ceiling, seconds))
                for route in SHARES
            }
            over = asyncio.run(overloaded(port, files, loads, seconds / 2))
    figures = {
        "command": command(),
        "seed": 0,
        **surroundings(),
        "format": options.format,
        "ceiling_images_per_s": ceiling,
        "load": loads,
        "overload": over,
    }
    write_json(options.json, figures)
    print(json.dumps({key: figures[key] for key in ("load", "overload")}, indent=2))


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="where figures go")
    parser.add_argument("--format", default="onnx", help="what the server runs")
    parser.add_argument("--quick", action="store_true", help="5 seconds of each load")
    return parser.parse_args()


def exported(folder, name):
    """Write a MobileNetV2 at 96 pixels in a format; its head is not trained."""
    from cifarkit import backbones, heads, models
    from cifarkit.exporting import export

    body = backbones.get("mobilenetv2").build(96)
    head = heads.classifier().build(tuple(body.output_shape[1:]), 10, seed=0)
    model = models.assemble(body, head)
    return export(model, folder / "exported", name).paths[name]


def pictures(folder):
    """Write test images as PNG, and return their bytes."""
    from cifarkit import datasets

    folder.mkdir()
    found = []
    for number, pixels in enumerate(datasets.cifar10().test.images[:960]):
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "PNG")
        (folder / f"{number:03}.png").write_bytes(content.getvalue())
        found.append(content.getvalue())
    return found


def alone(model, folder, turns):
    """Return images per second of the model without a service, on the server's core."""
    run = [sys.executable, "-c", ALONE, model, folder, str(turns)]
    text = subprocess.run(pinned(run), check=True, capture_output=True).stdout
    return median(json.loads(text))


@contextmanager
def served(model):
    """Serve a model on its core, and give the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = [sys.executable, "-m", "cifarkit", "serve", model, "--port", str(port)]
    process = subprocess.Popen(pinned(run))
    try:
        asyncio.run(ready(port))
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def pinned(run):
    """Return a command that runs on the server's core."""
    return ["taskset", "-c", str(*SERVER), *run]


async def ready(port):
    """Wait until the service answers that it is ready."""
    for _ in range(120):
        if (await once(port, get("/health"))).status == 200:
            return
        await asyncio.sleep(0.5)
    raise SystemExit("The service did not become ready within a minute.")


async def loaded(port, route, files, ceiling, seconds):
    """Return what a rate a step below the highest that is held gives.

    Each rate is tried for a few seconds, until one brings errors; that of two steps
    before is then sent in full.
    """
    count = 1 if route == "/predict" else 32
    field = "file" if count == 1 else "files"
    starts = range(0, len(files), count)
    requests = [form(route, field, files[start : start + count]) for start in starts]
    tried, held = [], []
    for share in (0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85):
        rate = share * ceiling / count
        found = summary(await send(port, requests, rate, max(4, seconds / 10)), count)
        tried.append(found)
        if found["errors"] or found["p99_ms"] > _SLOW:
            break
        held.append(rate)
    if not held:
        raise SystemExit(f"Expected {route} to hold 45 % of the ceiling; it does not.")
    rate = held[-2:][0]
    whole = summary(await send(port, requests, rate, seconds), count)
    share = whole["images_per_s"] / ceiling
    return {**whole, "share_of_ceiling": share, "asked": SHARES[route], "tried": tried}


async def overloaded(port, files, loads, seconds):
    """Return what is left of the best rate when three times as much is asked."""
    peak = loads["/predict"]["images_per_s"]
    requests = [form("/predict", "file", [content]) for content in files]
    probing = asyncio.create_task(send(port, [get("/health")], 5, seconds, seed=1))
    sent = await send(port, requests, 3 * peak, seconds)
    probes = await probing
    began = time.perf_counter()
    while summary(await send(port, requests, peak / 2, 1), 1)["errors"]:
        if time.perf_counter() - began > _PATIENCE:
            raise SystemExit("The service did not come back after an overload.")
    refused = [each.seconds for each in sent if each.status == 503]
    good = [each for each in sent if each.status == 200]
    return {
        "rate": 3 * peak,
        "seconds": seconds,
        "goodput_images_per_s": len(good) / seconds,
        "share_of_peak": len(good) / seconds / peak,
        "refused": len(refused),
        "refusal_p99_ms": 1e3 * quantile(refused, 0.99),
        "without_an_answer": sum(each.status not in (200, 503) for each in sent),
        "health_p99_ms": 1e3 * quantile([each.seconds for each in probes], 0.99),
        "health_statuses": sorted({each.status for each in probes}),
        "normal_after_s": time.perf_counter() - began,
    }


def summary(sent, count):
    """Return rate, errors and latencies of requests."""
    times = [each.seconds for each in sent]
    good = sum(each.status == 200 for each in sent)
    spent = max(each.at + each.seconds for each in sent)
    offered = len(sent) * count / max(each.at for each in sent)
    return {
        "offered_images_per_s": offered,
        "seconds": spent,
        "images_per_s": good * count / spent,
        "requests": len(sent),
        "errors": len(sent) - good,
        "p50_ms": 1e3 * median(times),
        "p99_ms": 1e3 * quantile(times, 0.99),
    }


def quantile(values, share):
    """Return a quantile, or 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


if __name__ == "__main__":
    main()
