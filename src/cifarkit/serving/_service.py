"""A predictor that many callers share: what all web services stand on."""

import copy
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import BoundedSemaphore
from typing import final

import numpy as np

from cifarkit._errors import InvalidArgument, TooLate
from cifarkit._types import Floats, Images, Model
from cifarkit.prediction import Prediction, Predictor
from cifarkit.prediction._runtimes import cores
from cifarkit.serving._batcher import Batcher
from cifarkit.serving._limits import BATCH, Limits

_log = logging.getLogger(__name__)

PATIENCE = 0.3
"""Seconds in which a stopping service waits for a model that does not come back."""

_DECODERS = 4
"""Images that are decoded at a time, at most; each may take hundreds of megabytes."""

_COUNTS = (1, 2, 4, 8, 16, BATCH)
_TURNS = 3
_NEAR = 1.03  # as good as the fastest: what two runs differ by


def service_of(
    model: Model | Predictor | str | Path,
    class_names: Sequence[str] | None,
    limits: Limits | None,
) -> "Service":
    """Return the service of a model.

    Raises:
        CorruptFile: as for `Predictor`.
        InvalidArgument: likewise, or class names beside a `Predictor`.
    """
    if not isinstance(model, Predictor):
        limits = limits or Limits()
        predictor = Predictor(model, class_names, max_pixels=int(limits.pixels))
        return Service(predictor, limits)
    if class_names is not None:
        raise InvalidArgument(
            "Expected class_names beside a model or a file; received them beside a "
            "Predictor, which has its own. Give them to the Predictor."
        )
    return Service(model, limits or Limits())


def check_single(count: int) -> None:
    """Refuse none and several images where one is classified.

    Raises:
        InvalidArgument: there is not one.
    """
    if count != 1:
        raise InvalidArgument(
            f"Expected one image as a file in the field 'file'; received {count}. Send "
            "several to /predict/batch, in the field 'files'."
        )


@final
class Service:
    """A predictor behind a bounded queue.

    Args:
        predictor: what classifies; it stays as it is, but from now on the batcher's
            thread alone may run it.
        limits: how much may wait, and for how long.

    Attributes:
        batcher: in which images wait for the model.
        decoders: how many requests have images decoded at a time.
        status: "starting", "ok", "stopped", or "failed" if the model does not run.
    """

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self.predictor, self.limits = copy.copy(predictor), limits
        self.predictor.max_pixels = min(predictor.max_pixels, limits.pixels)
        self.decoders = min(cores(), _DECODERS)
        self._decoding = BoundedSemaphore(self.decoders)
        self.batcher = Batcher(self._rows, size=BATCH, waiting=limits.waiting)
        self.begin()

    @property
    def ready(self) -> bool:
        """Whether the model has run: the first caller need not wait for that."""
        return self.status == "ok"

    def begin(self) -> None:
        """Be about to warm up; one that was stopped begins again."""
        self.status = "starting"
        self.batcher.open()

    def warm(self) -> None:
        """Run the model, so that no caller waits for that, and keep to the fastest.

        On a CPU the fastest number of images is seldom the largest: small maps stay in
        the caches. One that is told to leave meanwhile stops measuring.
        """
        try:
            self._measure()
        except Exception:
            self.status = "failed"
            _log.exception("The model does not run; no image will be taken.")
            return
        if self.status == "starting":
            self.status = "ok"

    def _measure(self) -> None:
        images = list(np.zeros((BATCH, *self.predictor.size, 3), np.uint8))
        seconds: dict[int, float] = {}
        for count in _COUNTS * _TURNS:
            if self.status == "stopped":
                return
            each = self._timed(images[:count]) / count
            seconds[count] = min(each, seconds.get(count, each))
        best = min(seconds.values())
        near = [count for count, each in seconds.items() if each <= _NEAR * best]
        self.predictor.batch_size = self.batcher.size = min(near)

    def _timed(self, images: list[Images]) -> float:
        began = time.perf_counter()
        self.batcher.submit(images).result()
        return time.perf_counter() - began

    def submit(self, images: Sequence[Images]) -> "Future[list[Floats]]":
        """Let prepared images wait for the model.

        Raises:
            Overloaded: so many may not wait.
        """
        return self.batcher.submit(images, seconds=self.limits.deadline)

    def predict(self, files: Sequence[bytes]) -> list[Prediction]:
        """Classify image files, and wait for it.

        Raises:
            InvalidArgument: there is none, or more than 32.
            InvalidImage: one cannot be decoded; its place is named.
            Overloaded: so many may not wait.
            TooLate: the deadline passed.
        """
        ends = self.ends()
        found = self.submit(self.prepared(files, ends))
        try:
            return self.named(found.result(timeout=max(0.0, ends - time.monotonic())))
        except TimeoutError as error:
            found.cancel()
            raise self._too_late() from error

    def ends(self) -> float:
        """Return when a request that comes now must be answered, by `monotonic`."""
        return time.monotonic() + self.limits.deadline

    def prepared(self, files: Sequence[bytes], ends: float) -> list[Images]:
        """Decode image files; nothing is decoded of too many, or for nobody.

        Args:
            files: the contents of the files.
            ends: when nobody waits for them any more, from `ends`.

        Raises:
            InvalidArgument: there is none, or more than 32.
            InvalidImage: one cannot be decoded; of several, its place is named.
            TooLate: the deadline passed before the last of them.
        """
        if not 1 <= len(files) <= BATCH:
            raise InvalidArgument(
                f"Expected 1 to {BATCH} images as files in the field 'files'; received "
                f"{len(files)}."
            )
        if not self._decoding.acquire(timeout=max(0.0, ends - time.monotonic())):
            raise self._too_late()
        try:
            in_time = self._in_time(files, ends)
            if len(files) == 1:
                return [self.predictor.prepared(each) for each in in_time]
            return self.predictor.prepared_batch(in_time)
        finally:
            self._decoding.release()

    def _in_time(self, files: Sequence[bytes], ends: float) -> Iterator[bytes]:
        for file in files:
            if time.monotonic() > ends:
                raise self._too_late()
            yield file

    def _too_late(self) -> TooLate:
        return TooLate(
            f"Expected an answer within {self.limits.deadline:g} seconds; there is "
            "none yet. Try again later, or raise the deadline of the limits."
        )

    def named(self, rows: Sequence[Floats]) -> list[Prediction]:
        """Return rows of probabilities with the names of the classes."""
        return [self.predictor.named(row) for row in rows]

    def leave(self) -> None:
        """Take nothing more until it is warmed up again, nor go on warming up."""
        self.status = "stopped"

    def stop(self) -> None:
        """Leave, and answer all that wait; a model that hangs is left behind."""
        self.leave()
        self.batcher.close(PATIENCE)

    def _rows(self, images: list[Images]) -> list[Floats]:
        return list(self.predictor.probabilities(images))
