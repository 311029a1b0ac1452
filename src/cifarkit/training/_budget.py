"""What may be kept of the images, and what that costs and saves."""

import os
from dataclasses import dataclass
from pathlib import Path

from cifarkit import models
from cifarkit._numbers import counted
from cifarkit.activations import (
    PLAIN,
    Boundary,
    Cache,
    Codec,
    Views,
    can_be_known,
    has_room,
    views_of,
)
from cifarkit.training._course import Course
from cifarkit.training._inputs import Data, in_memory
from cifarkit.training._network import Network

_SHARE = 0.5
_MEMORY, _CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
_SIZES = "memory.max", "memory.current"


@dataclass(frozen=True)
class Budget:
    """Whether activations are kept, and what they take.

    Args:
        cache: how they are kept.
        views: which views of the training images; None to train live.
        images: how many training images there are, and how many others.
        least: fewest epochs that are worth it to compute the views.
        limit: bytes that may be held in memory.
        known: whether the backbone can be told from others, so that what it gives is
            found again on disk.
    """

    cache: Cache
    views: Views | None
    images: tuple[int, int]
    least: int
    limit: int
    known: bool

    @classmethod
    def of(cls, course: Course, data: Data, network: Network) -> "Budget":
        """Return the budget of a training.

        Args:
            course: the training. Without a limit of its own, half of the machine's free
                memory may be used.
            data: the images; of streams nothing is kept.
            network: what is trained.
        """
        images = [len(each) for each in in_memory(data).values()]
        auto = not isinstance(course.cache, Cache)
        cache = Cache() if isinstance(course.cache, str) else course.cache
        views = views_of(course.policy, cache.views)
        solved = any(phase.solved for phase in course.phases)  # it needs all views
        gpu = models.device_kind() != "cpu"
        slower = auto and not solved and gpu  # docs/results/on_gpu_kept
        if course.cache == "never" or not images or slower:
            views = None
        given = course.max_memory
        limit = int(_free_memory() * _SHARE) if given is None else given
        return cls(
            cache,
            views,
            (images[0], sum(images[1:])) if images else (0, 0),
            len(views or ()) if auto and not solved else 0,
            limit,
            network.parts is None or can_be_known(network.parts[0]),
        )

    def views_of(self, part: str) -> Views:
        """Return the views of the images of `"train"` or of another part."""
        return (self.views or PLAIN) if part == "train" else PLAIN

    def nbytes(self, place: Boundary) -> int:
        """Return the bytes of what is kept at a place."""
        codec = Codec(self.cache.dtype, tuple(place.tensor.shape[1:]))
        train, others = self.images
        return codec.nbytes * (train * len(self.views or ()) + others)

    def fits(self, *places: Boundary) -> bool:
        """Whether what is kept at these places fits, on disk or into memory."""
        total = sum(map(self.nbytes, places))
        return self._on_disk(total) or total <= self.limit

    def describe(self, place: Boundary, epochs: int) -> str:
        """Return in words what is kept at a place, and what that costs and saves.

        Args:
            place: where the network is cut.
            epochs: how many epochs learn from what is kept.
        """
        size, passes = self.nbytes(place), len(self.views or ())
        where = "on disk" if self._on_disk(size) else "in memory"
        return (
            f"from {counted(passes, 'kept view')} at {place}, "
            f"{size / 2**20:,.0f} MiB {where}; the frozen part runs "
            f"{counted(passes, 'time')} for {counted(epochs, 'epoch')}"
        )

    def _on_disk(self, nbytes: int) -> bool:
        known = self.known and (self.views is None or self.views.text)
        return bool(self.cache.disk and known and has_room(nbytes))


def _free_memory() -> int:
    """Return the bytes that the machine could give without swapping."""
    try:
        lines = dict(line.split(":") for line in _MEMORY.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return int(max(0, min(free, _left_in_the_container())))


def _left_in_the_container() -> float:
    """Return the bytes that the control group of this process may still take."""
    try:
        most, used = (int((_CONTAINER / each).read_text()) for each in _SIZES)
        lines = (_CONTAINER / "memory.stat").read_text().splitlines()
        files = int(dict(line.split() for line in lines)["inactive_file"])
    except (OSError, KeyError, ValueError):
        return float("inf")
    return most - used + files  # files that were read go when there is need
