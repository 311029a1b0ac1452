"""Batches of activations computed by the tasks of a Ray cluster.

Ray divides the work, and does again what was lost with a worker. A task is one batch,
so that what comes back does not depend on who computed it.
"""

import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit import models
from cifarkit._errors import TrainingError
from cifarkit._extras import require
from cifarkit._types import Floats, Model
from cifarkit.activations._cache import Precision
from cifarkit.activations._engine import Engine, Run, engine_for

_AHEAD = 4
"""Batches for each processor of the cluster that wait or are computed at a time."""


_RETRIES = 3
"""How often a batch is tried again that was lost with its worker."""


def computed(
    prefix: Model, batches: Iterable[NDArray[Any]], engine: Engine
) -> Iterator[Floats]:
    """Yield what a frozen part gives for each batch, in order.

    Without a cluster that `ray.init` or RAY_ADDRESS has named, one is begun on this
    machine.

    Args:
        prefix: the frozen part.
        batches: batches of equal size, float32.
        engine: what must run it, on every worker.

    Raises:
        MissingExtra: Ray is not installed.
        TrainingError: a worker has no such engine.
    """
    ray: Any = require("ray", extra="ray")
    if not ray.is_initialized():
        # Ray reports its use to its maker unless it is told not to.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(include_dashboard=False, log_to_driver=False)
    content = ray.put(_packed(prefix))
    task = ray.remote(max_retries=_RETRIES, retry_exceptions=False)(_batch)
    most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting: deque[Any] = deque()
    for batch in batches:
        waiting.append(task.remote(content, batch, engine.precision, str(engine)))
        if len(waiting) >= most:
            yield _got(ray, waiting.popleft())
    while waiting:
        yield _got(ray, waiting.popleft())


def _got(ray: Any, reference: Any) -> Floats:
    try:
        return np.asarray(ray.get(reference))
    except ray.exceptions.RayError as error:
        raise TrainingError(
            "Expected a Ray cluster whose workers compute activations as this process "
            f"does; received: {error!s:.500}. Install the same packages there, and set "
            "the same switches."
        ) from error


def _packed(prefix: Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prefix.keras"
        prefix.save(path)
        return path.read_bytes()


def _batch(
    content: bytes, batch: NDArray[Any], precision: Precision, wanted: str
) -> Floats:
    """Run on a worker: return what the frozen part gives for a batch."""
    run, engine = _ready(content, batch.shape, precision)
    if str(engine) != wanted:
        raise RuntimeError(f"this worker has {engine} in the place of {wanted}")
    return run(batch)


@lru_cache(maxsize=1)
def _ready(
    content: bytes, shape: tuple[int, ...], precision: Precision
) -> tuple[Run, Engine]:
    """Make the frozen part ready once in a worker."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prefix.keras"
        path.write_bytes(content)
        prefix = models.loaded(path)
    return engine_for(prefix, np.zeros(shape, np.float32), precision)
