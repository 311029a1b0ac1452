"""A table of epochs as a file."""

import csv as format_
import io
from pathlib import Path
from typing import Any

from cifarkit._store import write_text, writing
from cifarkit.evaluation import Evaluation
from cifarkit.tracking._tracker import Numbers, Tracker
from cifarkit.training import TrainResult


def csv(path: str | Path) -> Tracker:
    """Return a tracker that writes a row for each epoch.

    The file is whole at any time. A metric that a phase does not have is empty in its
    rows.

    Args:
        path: the file; one that exists is replaced after the first epoch.

    Raises:
        WriteError: it cannot be written, which shows after the first epoch.
    """
    return _Csv(Path(path))


class _Csv(Tracker):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._rows = path, list[dict[str, float]]()

    def _note(self, epoch: int, numbers: Numbers) -> None:
        self._rows.append({"epoch": epoch, **numbers})
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        text = io.StringIO()
        writer = format_.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        with writing(self._path):
            write_text(self._path, text.getvalue())

    def _close(
        self,
        result: TrainResult,
        evaluation: Evaluation | None,
        figures: dict[str, Any],
    ) -> None:
        """Nothing is left to write: the figures of a test are no epoch."""
