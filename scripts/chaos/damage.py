"""Change bytes of checkpoints and of kept activations, and see whether it shows.

python scripts/chaos/damage.py --harms 500 --json docs/results/damage.json

A file is harmed at random: one bit flipped, its end cut off, or a piece set to zero.
A harmed checkpoint must be passed over for the one before it, which must be whole;
harmed activations must be computed again. Files half-written by a killed process are
harmed too.
"""

import logging
import os
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from telling import options, tell

from cifarkit._checkpoints import Checkpoints
from cifarkit.activations import _extract, _filling
from cifarkit.activations._engine import Engine

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8)


def main():
    """Harm, look, put back, harm again."""
    given = options(__doc__, harms=500, seed=0)
    logging.disable(logging.WARNING)
    draw, seen = random.Random(given.seed), Counter()
    _extract.engine_for = lambda prefix, sample, precision: (prefix.run, Engine("mean"))
    _extract.preferred = lambda precision: Engine("mean")
    with tempfile.TemporaryDirectory() as work:
        stages = [states(Path(work)), entry(Path(work)), part(Path(work))]
        for number in range(given.harms):
            pristine, notices = stages[number % len(stages)]
            seen[tried(pristine, notices, draw)] += 1
    outcomes = {f"{kind}, {ok}": count for (kind, ok), count in sorted(seen.items())}
    missed = sum(count for (_, ok), count in seen.items() if ok != "noticed")
    figures = {"harms": sum(seen.values()), "missed": missed, "outcomes": outcomes}
    tell(figures, given.json, seed=given.seed)
    assert not missed, "damage went unnoticed"


def tried(pristine, notices, draw):
    """Harm a copy of a folder; return the kind of file, and whether it was noticed."""
    copy = pristine.with_name(f"{pristine.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(pristine, copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    path = draw.choice([each for each in files if each.suffix in KINDS])
    harm(path, draw)
    ok = notices(copy, path)
    return f"{pristine.name} {path.suffix}", "noticed" if ok else "missed"


KINDS = {".npz", ".manifest", ".npy", ".sealed"}


def harm(path, draw):
    """Change a file; it is never as before."""
    content = bytearray(before := path.read_bytes())
    place = draw.randrange(len(content))
    way = draw.choice(("flip", "cut", "zero"))
    if way == "cut":
        del content[place:]
    if way == "zero":
        content[place : place + 64] = bytes(len(content[place : place + 64]))
    if way == "flip" or content == before:
        content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def states(work):
    """Return a folder of two checkpoints, and what must be noticed of harm there."""
    folder = work / "checkpoint"
    for number in (1, 2):
        Checkpoints(folder).save({"a": np.full((50, 50), number)}, {"of": number})

    def notices(copy, path):
        kept, harmed = Checkpoints(copy).newest(), int(path.stem)
        wanted = 3 - harmed if harmed == 2 else 2
        whole = kept is not None and (kept.arrays["a"] == wanted).all()
        again = Checkpoints(copy)
        if harmed == 1:  # it shows when the one after it is lost
            (copy / "000002.manifest").unlink()
            return bool(whole and again.newest() is None)
        return bool(whole and kept.record == {"of": 1})

    return folder, notices


def entry(work):
    """Return a store with activations, and what must be noticed of harm there."""
    folder = work / "activations"
    os.environ["CIFARKIT_HOME"] = str(folder)
    right = _extract.extract(Frozen(), IMAGES).view(0)
    control(folder, right, batches=0)

    def notices(copy, path):
        return computed_again(copy, right) == 3

    return folder, notices


def part(work):
    """Return a store with a fill that was broken off, and what must be noticed."""
    folder = work / "unfinished"
    os.environ["CIFARKIT_HOME"] = str(folder)
    _filling.SECONDS = 0.0
    right = Frozen().run(IMAGES.astype(np.float32)).astype(np.float16)
    work_ = _extract._Work(_extract.Extractor(Frozen()), IMAGES, _extract.PLAIN)
    filling = _filling.Filling(
        work_._key_of(Engine("mean")), work_.by.codec, work_.rows
    )
    filling.resume()
    work_.by.engine(None)
    batches = work_._computed(0)
    filling._path.mkdir(parents=True)
    files = {name: filling._open(name, 0) for name in filling._layout}
    for _ in range(2):  # the last one of three is missing
        rows, parts = next(batches)
        filling._append(files, iter([(rows, parts)]))
    for file in files.values():
        file.close()
    control(folder, right, batches=1)

    def notices(copy, path):
        return computed_again(copy, right) == 3

    return folder, notices


def control(folder, right, *, batches):
    """Check that without harm no more than that is computed again."""
    copy = folder.with_name(f"{folder.name}-unharmed")
    shutil.copytree(folder, copy)
    assert computed_again(copy, right) == batches, "nothing that was kept is used"


def computed_again(copy, right):
    """Return how many batches were computed; -1 if the values are wrong."""
    os.environ["CIFARKIT_HOME"] = str(copy)
    frozen = Frozen()
    given = _extract.extract(frozen, IMAGES).view(0)
    return frozen.batches if np.array_equal(given, right) else -1


class Frozen:
    """Stands for a frozen part: the means of 4 x 4 pixels."""

    output_shape = (None, 2, 2, 3)

    def __init__(self):
        self.batches = 0

    def run(self, values):
        """Return what it gives for a batch, and count the batch."""
        self.batches += 1
        return values.reshape(-1, 2, 4, 2, 4, 3).mean(axis=(2, 4))

    def _flatten_layers(self):
        """Return no layers of Keras."""
        return []

    def to_json(self):
        """Return what it is."""
        return '{"config": {"layers": [], "what": "means"}}'

    def get_weights(self):
        """Return none."""
        return []


if __name__ == "__main__":
    main()
