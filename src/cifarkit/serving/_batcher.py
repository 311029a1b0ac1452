"""Images of many callers, run together: a bounded queue before one worker."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread, current_thread
from typing import Any, TypeAlias, final

from cifarkit._errors import InvalidArgument, Overloaded, TooLate
from cifarkit._numbers import is_whole

Items: TypeAlias = Sequence[Any]
Run: TypeAlias = Callable[[list[Any]], Sequence[Any]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Job:
    """The items of one caller, who waits for their results together."""

    items: Items
    deadline: float
    future: Future[list[Any]] = field(default_factory=Future)


@final
class Batcher:
    """Runs the items of many callers together, in the order in which they came.

    Nothing waits for company: the worker takes what is there when it is free, so that
    batches grow with the load and a lone caller is served at once.

    Args:
        run: from a list of items to their results, in order; called by one thread.
        size: the most items that run together; a caller with more has them alone.
        waiting: the most items that may wait.

    Attributes:
        size: may be set while it runs.
        batches: how many have run.
        items: how many ran in them.

    Example:
        >>> batcher = Batcher(lambda items: [item + 1 for item in items])
        >>> batcher.submit([1, 2]).result()
        [2, 3]
        >>> batcher.close()
    """

    def __init__(self, run: Run, *, size: int = 32, waiting: int = 256) -> None:
        if not is_whole(size, least=1) or not is_whole(waiting, least=size):
            raise InvalidArgument(
                "Expected whole numbers, size of 1 or more and waiting of at least "
                f"size; received {size!r} and {waiting!r}."
            )
        self._run, self.size, self._most = run, size, waiting
        self._jobs: deque[_Job] = deque()
        self._waiting, self._closed = 0, False
        self.batches = self.items = 0
        self._changed = Condition()
        self._worker: Thread | None = None

    @property
    def waiting(self) -> int:
        """Items that wait now."""
        return self._waiting

    @property
    def full(self) -> bool:
        """Whether not one item more may wait."""
        return self._waiting >= self._most

    def submit(self, items: Items, *, seconds: float = 60.0) -> Future[list[Any]]:
        """Let items wait for their turn, all of them or none.

        Args:
            items: of one caller; all run in one batch.
            seconds: after which nobody waits for them any more.

        Returns:
            Their results, in order; a cancelled one is not run.

        Raises:
            Overloaded: so many may not wait, or the batcher is closed.
        """
        job = _Job(items, time.monotonic() + seconds)
        with self._changed:
            if self._closed:
                raise Overloaded(
                    f"Expected {len(items)} images while the service runs; received "
                    "them as it stops. Send them to another one, or again later."
                )
            if self._waiting + len(items) > self._most:
                raise Overloaded(
                    f"Expected room for {len(items)} images; received them while "
                    f"{self._waiting} of {self._most} waited. Try again in a second."
                )
            if self._worker is None:  # of those that never work there is none
                self._worker = Thread(target=self._work, daemon=True)
                self._worker.start()
            self._jobs.append(job)
            self._waiting += len(items)
            self._changed.notify()
        return job.future

    def open(self) -> None:
        """Take items again after `close`; one that is open stays as it is."""
        with self._changed:
            if self._closed:
                self._closed, self._worker = False, None

    def close(self, seconds: float | None = None) -> None:
        """Answer all that wait, take nothing more, and end the worker.

        Args:
            seconds: after which a worker that still runs is left behind; None waits.
        """
        with self._changed:
            self._closed, worker = True, self._worker
            self._changed.notify_all()
        if worker:
            worker.join(seconds)

    def _work(self) -> None:
        me = current_thread()  # one that was left behind takes nothing more
        while self._worker is me and (jobs := self._next()):
            now = time.monotonic()
            live = [job for job in jobs if _is_live(job, now)]
            error = self._together(live) if live else None
            if error and len(live) == 1:
                live[0].future.set_exception(error)
            elif error:
                for job in live:  # a bad item fails its own caller and no other
                    _alone(job, self._run)

    def _next(self) -> list[_Job]:
        """Wait for jobs, and take those of one batch; none when all is over."""
        taken, count = list[_Job](), 0
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            while self._jobs:
                count += len(self._jobs[0].items)
                if taken and count > self.size:
                    break
                taken.append(self._jobs.popleft())
            self._waiting = sum(len(job.items) for job in self._jobs)
        return taken

    def _together(self, jobs: Sequence[_Job]) -> Exception | None:
        """Run jobs as one batch, and return what went wrong."""
        items = [item for job in jobs for item in job.items]
        self.batches += 1
        self.items += len(items)
        try:
            results = _results(self._run, items)
        except Exception as error:
            _log.warning("A batch of %d requests failed.", len(jobs), exc_info=True)
            return error
        for job in jobs:
            job.future.set_result(results[: len(job.items)])
            results = results[len(job.items) :]
        return None


def _is_live(job: _Job, now: float) -> bool:
    """Whether somebody still waits for a job; who waits too long is told so."""
    if not job.future.set_running_or_notify_cancel():
        return False
    if now > job.deadline:
        job.future.set_exception(
            TooLate(
                "Expected an answer before the deadline; the images waited longer. "
                "Send fewer at a time, or try again later."
            )
        )
    return now <= job.deadline


def _results(run: Run, items: list[Any]) -> list[Any]:
    results = list(run(items))
    if len(results) != len(items):
        raise ValueError(f"{len(results)} results of {len(items)} items")
    return results


def _alone(job: _Job, run: Run) -> None:
    try:
        job.future.set_result(_results(run, list(job.items)))
    except Exception as error:
        job.future.set_exception(error)
