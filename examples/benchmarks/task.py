"""What both sides are given: the same arrays, the same weights, the same settings."""

import gc
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
from measuring import peak_rss, share_of_others, worked, write_json

CLASSES = 10


@dataclass(frozen=True)
class Task:
    """A folder with what a side needs.

    Args:
        folder: holds `settings.json`, the images and labels of each split as `.npy`,
            and the backbone as `base.keras` and `base.weights.h5`.
    """

    folder: Path

    @cached_property
    def settings(self):
        """Sizes, epochs and seed, by name."""
        return json.loads((self.folder / "settings.json").read_text())

    def __getattr__(self, name):
        try:
            return self.settings[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def base(self):
        """The backbone as a Keras model, its preprocessing inside."""
        return self.folder / "base.keras"

    @property
    def weights(self):
        """The weights of the same backbone alone."""
        return self.folder / "base.weights.h5"

    def write(self, part, images, labels):
        """Keep the images and labels of a split."""
        np.save(self.folder / f"{part}_images.npy", images)
        np.save(self.folder / f"{part}_labels.npy", labels)

    def read(self, part):
        """Return images, uint8 `(N, 32, 32, 3)`, and labels, int64 `(N,)`."""
        return tuple(
            np.load(self.folder / f"{part}_{kind}.npy") for kind in ("images", "labels")
        )


def carry_out(side, parts):
    """Do the parts that the command line names: FOLDER PART ...

    Each writes `side.part.json` into the folder, with the peak of memory so far, and
    the share of the machine's work meanwhile that was other programs'.
    """
    folder, *names = sys.argv[1:]
    task = Task(Path(folder))
    for name in names:
        print(f"\n{side}: {name}", flush=True)
        before = worked()
        figures = {**parts[name](task), "peak_rss_bytes": peak_rss()}
        figures["others"] = share_of_others(before)
        write_json(task.folder / f"{side}.{name}.json", figures)
        keras.backend.clear_session()
        gc.collect()
