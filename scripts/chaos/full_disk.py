"""Let writes fail at many byte offsets, and look at what is left.

python scripts/chaos/full_disk.py --offsets 100 --json docs/results/full_disk.json

The operating system is told to refuse bytes behind an offset (RLIMIT_FSIZE), which is
what a full disk looks like, while a checkpoint, activations, a result, an export and a
table of epochs are written where earlier ones lie. Each must end in one error of
cifarkit that is an OSError too; the earlier one must still be read as it was, and
nothing partial may lie under a final name.
"""

import hashlib
import logging
import os
import random
import resource
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from damage import Frozen
from telling import options, tell

from cifarkit import Phase, TrainResult, TwoPhaseTrainer, backbones, datasets, heads
from cifarkit._checkpoints import Checkpoints
from cifarkit._errors import CifarkitError
from cifarkit.activations import _extract
from cifarkit.activations._engine import Engine
from cifarkit.exporting import export
from cifarkit.prediction import Predictor
from cifarkit.tracking import csv

WRITTEN = {"checkpoint", "activations", "result", "export", "table"}


def main():
    """Try each kind of file at each offset."""
    given = options(__doc__, offsets=100, seed=0)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    draw = random.Random(given.seed)
    _extract.engine_for = lambda prefix, sample, precision: (prefix.run, Engine("mean"))
    _extract.preferred = lambda precision: Engine("mean")
    figures = {"offsets": given.offsets, "kinds": {}}
    with tempfile.TemporaryDirectory() as work:
        for make in (checkpoint, activations, result, exported, table):
            kind, largest, write, read = make(Path(work) / make.__name__)
            counts = {"typed_errors": 0, "went_well": 0, "bad": []}
            before = read()
            for _ in range(given.offsets):
                offset = draw.randrange(largest)
                outcome = tried(write, offset)
                left = read()
                if outcome in counts and (left == before) == (outcome != "went_well"):
                    counts[outcome] += 1
                elif outcome == "went_well":
                    counts[outcome] += 1  # it wrote the same again
                else:
                    counts["bad"].append([offset, outcome, left == before])
                before = left
            figures["kinds"][kind] = {"largest_offset": largest, **counts}
    tell(figures, given.json, seed=given.seed)
    assert set(figures["kinds"]) == WRITTEN
    for kind, counts in figures["kinds"].items():
        assert not counts["bad"], f"{kind} was left broken, or told otherwise"
        assert counts["typed_errors"] >= 0.9 * given.offsets, f"{kind}: no failures"


def tried(write, offset):
    """Write while no file may grow behind an offset; return how it ended."""
    try:
        with refused_behind(offset):
            write()
    except CifarkitError as error:
        typed = isinstance(error, OSError)
        return "typed_errors" if typed else f"{type(error).__name__} is no OSError"
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.120}"
    return "went_well"


@contextmanager
def refused_behind(offset):
    """Let the operating system refuse what is written behind an offset."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (offset, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def checkpoint(folder):
    """Return how a checkpoint is written, and what is read."""
    states = Checkpoints(folder)
    arrays = {"a": np.arange(50_000.0)}
    states.save(arrays, {"of": 1})

    def read():
        kept = states.newest()
        return kept.number, digest(kept.arrays["a"].tobytes()), names(folder)

    return "checkpoint", 400_000, lambda: states.save(arrays, {"of": 1}), read


def activations(folder):
    """Return how activations are written, and what is read of earlier ones."""
    os.environ["CIFARKIT_HOME"] = str(folder)
    old, new = (
        np.random.default_rng(seed).integers(0, 256, (2_000, 8, 8, 3), np.uint8)
        for seed in range(2)
    )
    _extract.extract(Frozen(), old)

    def read():
        frozen = Frozen()
        given = _extract.extract(frozen, old).view(0)
        return frozen.batches, digest(given.tobytes()), names(folder / "activations")

    return "activations", 48_000, lambda: _extract.extract(Frozen(), new), read


def result(folder):
    """Return how a training result is written, and what is read."""
    trained().save(folder)

    def read():
        return TrainResult.load(folder).to_dict()["kept"], contents(folder)

    again = TrainResult.load(folder)
    return "result", smallest(folder), lambda: again.save(folder), read


def exported(folder):
    """Return how an export is written, and what is read."""
    model = trained().model
    export(model, folder, ["keras"], verify=False)

    def read():
        answer = Predictor(folder / "model.keras")(np.zeros((9, 9, 3), "uint8"))
        return answer.name, contents(folder)

    return (
        "export",
        smallest(folder),
        lambda: export(model, folder, ["keras"], verify=False),
        read,
    )


def table(folder):
    """Return how a table of epochs is written, and what is read."""
    path = folder / "epochs.csv"
    folder.mkdir(parents=True)

    def write():
        tracker = csv(path)
        for epoch in range(20):
            tracker._note(epoch, {"loss": 1 / (1 + epoch)})

    write()
    return "table", path.stat().st_size // 20, write, lambda: contents(folder)


def trained():
    """Return a small training result."""
    image = keras.Input((16, 16, 3))
    keras.utils.set_random_seed(0)
    model = keras.Model(image, keras.layers.Conv2D(8, 3, 4)(image), name="small")
    trainer = TwoPhaseTrainer(
        backbones.wrap(model, preprocess="unit"),
        heads.linear(),
        phase_1=Phase(),
        phase_2=None,
        cache="never",
        verbose=0,
    )
    return trainer.fit(datasets.synthetic(60, size=16))


def smallest(folder):
    """Return an offset at which each write of the folder has failed before."""
    return max(path.stat().st_size for path in folder.iterdir()) * 9 // 10


def contents(folder):
    """Return the names and digests of all files in a folder."""
    return {path.name: digest(path.read_bytes()) for path in sorted(folder.iterdir())}


def names(folder):
    """Return the names in a folder, of folders too, less what is not final."""
    found = sorted(path.name for path in folder.rglob("*"))
    return [name for name in found if not name.startswith(".")]


def digest(content):
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
