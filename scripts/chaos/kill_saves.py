"""Kill processes that save checkpoints, and look at what they leave.

python scripts/chaos/kill_saves.py --kills 1000 --json docs/results/kill_saves.json

A process saves states of the size of MobileNetV2's, weights and both moments of Adam,
one after the other, without a pause of ours. It is killed at a random time. Then the
newest state must be whole, and no older than the last one that was reported as saved.
"""

import os
import random
import signal
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
from telling import options, tell

from cifarkit._checkpoints import Checkpoints

PARAMETERS, ARRAYS = 3 * 2_423_242, 300
LONGEST = 0.5
"""Seconds after which a process is killed at the latest."""


def main():
    """Kill, look, kill again."""
    given = options(__doc__, kills=1000, seed=0)
    draw, kills = random.Random(given.seed), []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for _ in range(given.kills):
            told = killed(folder, draw.random() * LONGEST)
            kills.append({"inside": told[-1:] == b"b", **looked_at(folder, told)})
        files = sorted({path.suffix for path in folder.iterdir()})
    inside = sum(each["inside"] for each in kills) / len(kills)
    whole = sum(each["whole"] for each in kills)
    figures = {
        "kills": len(kills),
        "inside_a_save": inside,
        "whole": whole,
        "none_lost": sum(each["none_lost"] for each in kills),
        "states": max(each["newest"] for each in kills),
        "bytes": 4 * PARAMETERS,
        "kinds_of_files_left": files,
    }
    tell(figures, given.json, seed=given.seed)
    assert figures["states"] > 0, "nothing was saved"
    assert inside >= 0.3, "fewer than 30 % of the kills hit a save"
    assert whole == figures["none_lost"] == len(kills), "a state was torn or lost"


def killed(folder, seconds):
    """Start a process that saves, kill it, and return what it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            saving(folder, writing)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as telling:
        told = telling.read(1)  # it has begun
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, "it had ended by itself"
        return told + telling.read()


def saving(folder, telling):
    """Save states for ever; tell when a save begins and when it has ended."""
    checkpoints = Checkpoints(folder)
    checkpoints.tidy()
    kept = checkpoints.newest()
    number = kept.number if kept else 0
    while True:
        number += 1
        arrays = state(number)
        os.write(telling, b"b")
        saved = checkpoints.save(arrays, {"of": number})
        assert saved == number, (saved, number)
        os.write(telling, b"e")


def state(number):
    """Return arrays that only this number has."""
    whole = np.arange(PARAMETERS, dtype=np.float32) + number
    parts = np.array_split(whole, ARRAYS)
    return {f"{place:03}": part for place, part in enumerate(parts)}


def looked_at(folder, told):
    """Return whether the newest state is whole, and not older than it may be."""
    before = looked_at.newest
    kept = Checkpoints(folder).newest()
    number = kept.number if kept else 0
    looked_at.newest = number
    whole = kept is None or (
        kept.record == {"of": number} and same(kept.arrays, state(number))
    )
    damaged = list(folder.glob("*.damaged"))
    return {
        "newest": number,
        "whole": bool(whole) and not damaged,
        "none_lost": number >= before + told.count(b"e"),
    }


looked_at.newest = 0


def same(ours, theirs):
    """Whether two states are equal to the bit."""
    return ours.keys() == theirs.keys() and all(
        np.array_equal(ours[name], theirs[name]) for name in ours
    )


if __name__ == "__main__":
    main()
