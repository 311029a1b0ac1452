"""A folder from which a training goes on, exactly where it was left.

Each phase has a folder of checkpoints in it. What a checkpoint belongs to is written in
it: a training of another kind refuses to go on from there.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import filelock

from cifarkit._checkpoints import Checkpoint, Checkpoints
from cifarkit._errors import CorruptFile, InvalidArgument, TrainingError, WriteError
from cifarkit._types import Json
from cifarkit.training import _snapshot
from cifarkit.training._memories import memories, remind
from cifarkit.training._network import Network
from cifarkit.training._numbered import numbered, series
from cifarkit.training._result import PhaseResult

_WEIGHTS, _SEEDS = "weights", "seeds"


@final
@dataclass(frozen=True)
class Run:
    """The folder of a training, or none.

    Args:
        folder: the folder; None keeps nothing.
        identity: what the training follows from, as JSON values.
    """

    folder: Path | None
    identity: Json

    def checkpoints(self, number: int) -> Checkpoints | None:
        """Return where the states of a phase, from 1, are kept."""
        if self.folder is None:
            return None
        return Checkpoints(self.folder / f"phase_{number}")

    def newest(self, number: int) -> Checkpoint | None:
        """Return the newest whole state of a phase.

        Raises:
            InvalidArgument: another training left it.
        """
        checkpoints = self.checkpoints(number)
        if checkpoints is None:
            return None
        checkpoints.tidy()
        kept = checkpoints.newest()
        if kept is not None:
            self._check(kept.record.get("identity", {}))
        return kept

    def restored(
        self, kept: Checkpoint | None, network: Network, callbacks: Sequence[Any]
    ) -> PhaseResult | None:
        """Return what a finished phase gave; network and callbacks are as after it.

        Raises:
            CorruptFile: the state is that of another network.
        """
        if kept is None or not kept.record["done"]:
            return None
        weights = series(_WEIGHTS, kept.arrays)
        try:
            network.model.set_weights(weights)
        except ValueError as error:
            raise CorruptFile(
                f"Expected the weights of this network in {self.folder}; received "
                f"others ({error})."
            ) from error
        seeds = _snapshot.seeds_of(network.model)
        for seed, value in zip(seeds, series(_SEEDS, kept.arrays), strict=True):
            seed.assign(value)
        remind(callbacks, kept.arrays, kept.record["watchers"])
        return PhaseResult.from_dict(kept.record["result"], tuple(weights))

    def check_engine(self, kept: Checkpoint | None, engine: str) -> None:
        """Refuse to go on from other activations, or live instead of from kept ones.

        Raises:
            InvalidArgument: the phase was begun with another engine.
        """
        begun = kept.record["engine"] if kept else engine
        if begun != engine:
            raise InvalidArgument(
                f"Expected frozen parts by {begun!r}, as the phase in {self.folder} "
                f"was begun with; received {engine!r}. Install or free what it needs, "
                "or give another run_dir."
            )

    def finish(
        self,
        number: int,
        result: PhaseResult,
        network: Network,
        callbacks: Sequence[Any],
        about: Json,
    ) -> None:
        """Keep what a phase gave.

        Args:
            number: of the phase, from 1.
            result: what it gave.
            network: the network, as it is after the phase.
            callbacks: those of the user, likewise.
            about: JSON values that go with all of its states.

        Raises:
            WriteError: it cannot be written.
        """
        checkpoints = self.checkpoints(number)
        if checkpoints is None:
            return
        seeds = _snapshot.seeds_of(network.model)
        arrays, watchers = memories(callbacks)
        arrays |= numbered(_WEIGHTS, result.weights) | numbered(_SEEDS, seeds)
        record = {**about, "result": result.to_dict()}
        checkpoints.save(arrays, {**record, "watchers": watchers, "done": True})

    def _check(self, found: Mapping[str, Any]) -> None:
        ours, theirs = dict(_leaves(self.identity)), dict(_leaves(found))
        other = [
            f"{name}: {theirs.get(name)!r:.200} there, {ours.get(name)!r:.200} here"
            for name in sorted({*ours, *theirs})
            if ours.get(name) != theirs.get(name)
        ]
        if other:
            raise InvalidArgument(
                f"Expected the training that was begun in {self.folder}; received "
                f"another: {'; '.join(other[:5])}. Go on with what it was begun with, "
                "or give another run_dir."
            )


def origins_of(states: Sequence[Checkpoint | None]) -> list[Any] | None:
    """Return what the phases of an earlier process learnt from; None if it is new.

    What there is room for can change from one process to the next.
    """
    told = (list(each.record["origins"]) for each in reversed(states) if each)
    return next(told, None)  # the last phase knows where an earlier plan failed


@contextmanager
def opened(folder: Any, identity: Json) -> Iterator[Run]:
    """Open the folder of a training for this process alone.

    Args:
        folder: a path; it is made if it is not there. None keeps nothing.
        identity: what the training follows from, as JSON values.

    Raises:
        InvalidArgument: `folder` is no folder.
        TrainingError: another process trains there.
        WriteError: the folder cannot be written.
    """
    if folder is None:
        yield Run(None, identity)
        return
    with _alone(_made(folder)):
        yield Run(Path(folder), identity)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which ends with the process, however that ends."""
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise TrainingError(
            f"Expected a run_dir in which no other process trains; {folder} is in use. "
            "Wait for it, or give another run_dir."
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _made(given: Any) -> Path:
    if not isinstance(given, str | Path) or not str(given):
        raise InvalidArgument(
            f"Expected run_dir to be the path of a folder, or None; received {given!r}."
        )
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InvalidArgument(
            f"Expected run_dir to be a folder; {folder} is a file. Give another."
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def _unwritable(folder: Path, error: OSError) -> WriteError:
    return WriteError(
        f"Expected a run_dir that can be written; received {folder} ({error}). "
        "Give another."
    )


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the plain values of nested JSON, each with its path."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(x, dict) for x in value):
        for place, each in enumerate(value, start=1):
            yield from _leaves(each, f"{name} {place}")
    else:
        yield name, list(value) if isinstance(value, tuple) else value
