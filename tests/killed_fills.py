"""Kill processes that fill a cache, and say what they left; run by `test_shelf.py`.

It forks before TensorFlow has begun anything, so that twenty real processes do not need
to import it twenty times. Prints JSON.
"""

import json
import os
import random
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from cifarkit import _sealed, _store, activations
from cifarkit.activations import _extract, _filling, _shelf

KILLS, LARGE = 20, 50
COMMIT = {
    "before the record": (_sealed, "write", 1),
    "before the record is renamed": (Path, "replace", 1),
    "before the progress goes": (Path, "unlink", 1),
    "before an older entry goes": (_shelf, "discard", 1),
    "before the entry is renamed": (Path, "replace", 2),
    "after the entry was renamed": (_shelf, "prune", 1),
}
"""Which call of what a process dies in, from the moment it commits its fill."""


def main():
    """Kill, look, kill again; at last let some processes finish.

    Twenty times at most eleven batches and ten milliseconds are fewer than the 600 that
    a whole fill takes.
    """
    chance, kills = random.Random(0), []
    for _ in range(KILLS):
        child, batches = started()
        for _ in range(chance.randrange(1, 12)):
            batches.read(1)  # it is in the midst of the fill
        time.sleep(chance.random() * 0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        batches.close()
        kills.append({"kept": len(activations.kept()), "rows": rows()})
    rest = finished(started())
    again = finished(started())
    activations.prune()
    both = [finished(each) for each in [started(), started()]]
    told = {"kills": kills, "rest": rest, "again": again, "both": both}
    print(json.dumps({**told, "commits": commits()}))


def commits():
    """Kill in each step of a commit; say what was left, and what came then."""
    told = {}
    for moment, step in COMMIT.items():
        activations.prune()
        child, telling = started(LARGE, step)
        os.waitpid(child, 0)
        telling.close()
        left = len(activations.kept())
        told[moment] = {"kept": left, **finished(started(LARGE))}
    return told


def started(batch=1, step=None):
    """Start a process that fills; return its number and what it tells."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading, "rb")
    try:
        os.close(reading)
        fill(writing, batch, step)
    finally:
        os._exit(0)


def fill(telling, batch, step):
    """Get the activations; tell each batch, and at last what they are."""
    from tests.test_shelf import IMAGES, network

    _extract.BATCH, _filling.SECONDS = batch, 0.0
    if step:
        die_in_commit(*step)
    honest = _extract.engine_for

    def engine_for(*arguments):
        run, engine = honest(*arguments)

        def told(values):
            os.write(telling, b".")
            time.sleep(0.001)
            return run(values)

        return told, engine

    _extract.engine_for = engine_for
    views = activations.Flips(mirrored=True)
    given = _extract.extract(network(), IMAGES, views)
    total = sum(np.abs(given.view(view)).astype(np.float64).sum() for view in range(2))
    os.write(telling, f"{float(total)!r}".encode())


def die_in_commit(owner, name, call):
    """Have this process killed in a call of something, counted from its commit."""
    commit, honest, calls = _filling.Filling._commit, getattr(owner, name), []

    def dying(*arguments, **options):
        calls.append(name)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(*arguments, **options)

    def committing(self):
        setattr(owner, name, dying)
        commit(self)

    _filling.Filling._commit = committing


def finished(process):
    """Wait for a process; return how many batches it ran, and what it read."""
    child, telling = process
    with closing(telling):
        told = telling.read().decode()
    os.waitpid(child, 0)
    return {"batches": len(told) - len(told.lstrip(".")), "total": told.lstrip(".")}


def rows():
    """Return how far the fill is that a killed process left."""
    parts = list((_store.root() / "activations").glob(".part-*/progress.sealed"))
    return max((_sealed.read(part)["rows"] for part in parts), default=0)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main()
