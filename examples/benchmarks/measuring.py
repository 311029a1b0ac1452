"""What every benchmark measures alike: medians, memory, and figures written whole."""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from statistics import median


def peak_rss():
    """Return the most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def worked():
    """Return the seconds of work of all processors, and of this process; or None."""
    about = Path("/proc/stat")
    if not about.exists():
        return None
    user, nice, system, *_ = map(int, about.read_text().splitlines()[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


def share_of_others(before):
    """Return which share of the work since `worked` was other programs', or None."""
    if before is None:
        return None
    every, own = (now - then for now, then in zip(worked(), before, strict=True))
    return round(max(0.0, 1 - own / max(every, 1e-9)), 3)


def ratio(slow, fast):
    """Return how many times as long the slow one took; None where one is not known."""
    return None if slow is None or fast is None else slow / fast


def epoch_seconds(part, key="train_s"):
    """Return the median epoch of a part's first phase, in seconds.

    Args:
        part: figures with the `epochs` that a `Clock` noted. The first one warmed up,
            and is left out, unless the part was `warm` before.
        key: `"train_s"` leaves validation out, `"whole_s"` has it in.
    """
    spans = [each[key] for each in part["epochs"] if each["phase"] == 1]
    return median(spans if part.get("warm") else spans[1:] or spans)


def time_to(target, part):
    """Return when validation first reached the target, in seconds, or None."""
    times = [
        each["at_s"]
        for each in part["epochs"]
        if each.get("val_accuracy", 0.0) >= target
    ]
    return min(times, default=None)


def command():
    """Return the command line of this process."""
    name = Path(sys.argv[0])
    return " ".join(["python", "/".join(name.parts[-3:]), *sys.argv[1:]])


def write_json(path, figures):
    """Write figures so that the file holds the old ones or the new, never a part."""
    path, text = Path(path), json.dumps(figures, indent=2, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
        part = Path(folder) / path.name
        with part.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
