"""Curves and figures for TensorBoard."""

import io
from pathlib import Path
from typing import Any

from cifarkit._extras import require
from cifarkit.evaluation import Evaluation
from cifarkit.tracking._tracker import (
    Numbers,
    Status,
    Tracker,
    parameters,
    scores,
)
from cifarkit.training import TrainResult


def tensorboard(folder: str | Path) -> Tracker:
    """Return a tracker that writes what `tensorboard --logdir FOLDER` shows.

    Args:
        folder: where the event files go. A training that goes on from `run_dir` writes
            its earlier epochs again: give each process a folder of its own, or see each
            of them twice at one place.

    Raises:
        MissingExtra: TensorFlow or TensorBoard is not installed.
    """
    require("tensorboard", extra="tracking")
    return _TensorBoard(Path(folder))


class _TensorBoard(Tracker):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._tf: Any = require("tensorflow", extra="tracking")
        self._writer = self._tf.summary.create_file_writer(str(folder))

    def _note(self, epoch: int, numbers: Numbers) -> None:
        with self._writer.as_default(step=epoch):
            for name, value in numbers.items():
                self._tf.summary.scalar(name, value)
        self._writer.flush()

    def _close(
        self,
        result: TrainResult,
        evaluation: Evaluation | None,
        figures: dict[str, Any],
    ) -> None:
        self._note(self._epoch, scores(result, evaluation))
        table = ["| setting | value |", "|---|---|"]
        table += [f"| {name} | {value} |" for name, value in parameters(result).items()]
        with self._writer.as_default(step=self._epoch):
            self._tf.summary.text("settings", "\n".join(table))
            for name, figure in figures.items():
                picture = self._tf.io.decode_png(_png(figure), channels=3)
                self._tf.summary.image(name, picture[None])
        self._writer.close()

    def _abandon(self, status: Status) -> None:
        self._writer.close()


def _png(figure: Any) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    return content.getvalue()
