"""Many processes that want the same activations, and holders of the lock that die.

python scripts/chaos/crowd.py --rounds 20 --json docs/results/crowd.json

In each round eight processes ask at once for what the store does not hold: one computes
it, all read the same. Then a process that computes is killed while another one waits:
the time until that one computes is measured.
"""

import hashlib
import os
import signal
import tempfile
import time

import numpy as np
from damage import Frozen
from processes import ended, forked
from telling import options, tell

from cifarkit.activations import _extract
from cifarkit.activations._engine import Engine

PROCESSES = 8


def main():
    """Run the rounds, then kill holders."""
    given = options(__doc__, rounds=20)
    _extract.preferred = lambda precision: Engine("mean")
    with tempfile.TemporaryDirectory() as work:
        os.environ["CIFARKIT_HOME"] = work
        rounds = [crowd(number) for number in range(given.rounds)]
        waits = [taken_over(1000 + number) for number in range(given.rounds)]
    figures = {
        "processes": PROCESSES,
        "rounds": len(rounds),
        "one_computed": sum(each["computed"] == 1 for each in rounds),
        "equal_digests": sum(len(each["digests"]) == 1 for each in rounds),
        "answers": sum(each["answers"] for each in rounds),
        "holders_killed": len(waits),
        "longest_takeover_s": max(waits),
    }
    tell(figures, given.json)
    assert figures["one_computed"] == figures["equal_digests"] == len(rounds)
    assert figures["answers"] == PROCESSES * len(rounds)
    assert max(waits) <= 2.0, "a lock outlived its holder"


def crowd(number):
    """Let all processes ask at once; return what they told."""
    told = [forked(ask, number) for _ in range(PROCESSES)]
    lines = [ended(each) or [""] for each in told]
    return {
        "computed": sum("computes" in each for each in lines),
        "digests": {each[-1] for each in lines},
        "answers": sum(each[-1].startswith("digest") for each in lines),
    }


def taken_over(number):
    """Kill a process that computes while another waits; return the time until it is."""
    holder = forked(ask, number, slow=True)
    first = holder[1].readline()
    waiting = forked(ask, number, slow=True)
    time.sleep(0.3)  # it waits for the lock by now
    os.kill(holder[0], signal.SIGKILL)
    began = time.monotonic()
    second = waiting[1].readline()
    seconds = time.monotonic() - began
    assert first == second == "computes\n", (first, second)
    os.kill(waiting[0], signal.SIGKILL)
    for child, telling in (holder, waiting):
        os.waitpid(child, 0)
        telling.close()
    return seconds


def ask(telling, number, *, slow=False):
    """Ask for activations; tell whether this process computes, and what it read."""
    images = np.random.default_rng(number).integers(0, 256, (500, 8, 8, 3), np.uint8)
    frozen = Frozen()

    def engine_for(prefix, sample, precision):
        def run(values):
            if not frozen.batches:
                telling.write("computes\n")
            if slow:
                time.sleep(1.0)  # it is in the midst of its work when it is killed
            return frozen.run(values)

        return run, Engine("mean")

    _extract.engine_for = engine_for
    given = _extract.extract(frozen, images).view(0)
    telling.write(f"digest {hashlib.sha256(given.tobytes()).hexdigest()}\n")


if __name__ == "__main__":
    main()
