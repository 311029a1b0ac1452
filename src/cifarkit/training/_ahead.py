"""What can be computed before a phase, instead of in each of its epochs.

Where the views of an image are few and a frozen part of the network ends in one tensor,
that part runs once. A phase then trains the rest on what it gave, with the same batches
in the same order: its losses are those of training live, up to the rounding to float16.
Dropout inside of the frozen part is off, as in inference; live it would be on. A part
that augments by itself would augment nothing, and of one with an activity regularizer
the loss would lack a term, so that these are not computed ahead.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cifarkit._errors import OutOfMemory, SourceError, TrainingError
from cifarkit._types import Model
from cifarkit.activations import (
    Activations,
    Boundary,
    Cut,
    Extractor,
    boundary,
    cut_at,
)
from cifarkit.activations._graph import depth, pooling
from cifarkit.augment import compose
from cifarkit.training._budget import Budget
from cifarkit.training._course import Course
from cifarkit.training._freezing import augments, learning, penalises
from cifarkit.training._guarding import memory_named
from cifarkit.training._inputs import Data, in_memory
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase
from cifarkit.training._stage import Kept, Stage

LIVE = "live"
"""What a phase learns from that is trained through the whole network."""

Origin = tuple[str, str | None]
"""What a phase learns from, the name of a layer or `LIVE`, and by way of which."""

_log = logging.getLogger(__name__)


class Ahead:
    """Computes what the phases of one training need, each thing once.

    Args:
        network: what is trained; it must not have been cut before.
        course: how.
        data: the images.
        origins: what each phase of an earlier process learnt from, and by way of what,
            as `origins` says; None decides by what there is room for.
    """

    def __init__(
        self,
        network: Network,
        course: Course,
        data: Data,
        origins: Sequence[Origin] | None = None,
    ) -> None:
        self._network, self._data, self._course = network, data, course
        self._parts = in_memory(data)
        self._budget = Budget.of(course, data, network)
        # All places are looked up before the first cut, which adds to the graph.
        found = [self._frozen(phase) for phase in course.phases]
        known: Sequence[Origin | None] = origins or [None] * len(found)
        self._places = [
            place if place and self._is_kept(place, origin) else None
            for place, origin in zip(found, known, strict=True)
        ]
        if not origins and self._epochs < self._budget.least:
            self._places = [None] * len(found)  # live training runs the part less often
        self._ways = [self._way(*each) for each in enumerate(known)]
        self._held: dict[str, dict[str, Activations]] = {}

    def stage(self, index: int) -> Stage:
        """Return what a phase learns from; call it just before the phase.

        What earlier phases needed is dropped, unless this one needs it too.
        """
        started, place = time.perf_counter(), self._places[index]
        needed = {each.layer for each in self._places[index:] if each}
        self._held = {name: each for name, each in self._held.items() if name in needed}
        if place is None or not self._held_at(place, self._ways[index]):
            self._places[index] = None  # who goes on from here goes on live
            return self.live
        held = self._held[place.layer]
        return self._stage(place, held, time.perf_counter() - started)

    @property
    def live(self) -> Stage:
        """The whole network, and the images."""
        return Stage(self._network.model, self._data, self._course.policy)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What each phase learns from, a layer or `"live"`, and by way of which."""
        return tuple(
            (place.layer if place else LIVE, way.layer if place and way else None)
            for place, way in zip(self._places, self._ways, strict=True)
        )

    def keeps(self, index: int) -> bool:
        """Whether activations would be kept for a phase."""
        return self._places[index] is not None

    def rehearsed(self, index: int) -> Stage:
        """Return a stage like that of a phase, of zeros, and what it would take.

        Its seconds are a forecast, from a few batches of the frozen part. They are 0
        where the store or an earlier phase has what this one needs.
        """
        place, budget = self._places[index], self._budget
        if place is None:
            raise TrainingError("Expected a phase that learns from kept activations.")
        frozen, seconds = self._extractor(place), 0.0
        zeros = {
            part: frozen.zeros(len(images), budget.views_of(part))
            for part, images in self._parts.items()
        }
        computed = [
            len(zeros[part]) * len(zeros[part].views)
            for part, images in self._parts.items()
            if not frozen.is_stored(images.split.images, budget.views_of(part))
        ]
        if computed and place.layer not in self._known_before(index):
            seconds = sum(computed) / frozen.rate(self._parts["train"].split.images)
        return self._stage(place, zeros, seconds)

    def _known_before(self, index: int) -> set[str]:
        """Return the places at which earlier phases compute activations."""
        earlier = [*self._places[:index], *self._ways[:index]]
        return {place.layer for place in earlier if place}

    def _stage(
        self, place: Boundary, held: Mapping[str, Activations], seconds: float
    ) -> Stage:
        kept: dict[str, Any] = {
            part: Kept(self._parts[part], activations)
            for part, activations in held.items()
        }
        data, engine = replace(self._data, **kept), held["train"].engine
        return Stage(self._cut(place).suffix, data, compose(()), engine, seconds)

    def describe(self, index: int) -> str:
        """Return in words what would be computed ahead of a phase, and its cost."""
        place = self._places[index]
        if place is None:
            return "live, each image through the whole network in every epoch"
        return self._budget.describe(place, self._epochs)

    @property
    def _epochs(self) -> int:
        """How many epochs learn from what is kept."""
        pairs = zip(self._course.phases, self._places, strict=True)
        return sum(phase.epochs for phase, place in pairs if place)

    def _frozen(self, phase: Phase) -> Boundary | None:
        """Return the end of what a phase leaves as it is, if that may be kept."""
        if self._budget.views is None or self._network.parts is None:
            return None
        return _frozen_until(self._network, *self._pair, phase)

    def _is_kept(self, place: Boundary, origin: Origin | None) -> bool:
        """Whether a place is kept: as before, or because there is room for it.

        What the store has already needs no room.
        """
        if origin:
            return origin[0] != LIVE
        return self._budget.fits(place) or self._is_begun(place)

    def _is_begun(self, place: Boundary) -> bool:
        """Whether the store has all parts, or something of each."""
        frozen = self._extractor(place)
        return all(
            frozen.is_begun(images.split.images, self._budget.views_of(part))
            for part, images in self._parts.items()
        )

    def _extractor(self, place: Boundary) -> Extractor:
        return Extractor(self._cut(place).prefix, cache=self._budget.cache)

    def _way(self, index: int, origin: Origin | None) -> Boundary | None:
        """Return the place of the next phase, if this phase's is computed from it."""
        here, later = self._places[index], self._places[index + 1 : index + 2]
        if not here or not later or not later[0]:
            return None
        if origin:
            return later[0] if origin[1] else None
        trunk, _ = self._pair
        behind = depth(trunk, later[0]) < depth(trunk, here)
        return later[0] if behind and self._both_fit(here, later[0]) else None

    def _both_fit(self, here: Boundary, later: Boundary) -> bool:
        fits = self._budget.fits
        return fits(later, here) or (fits(here) and self._is_begun(later))

    def _held_at(self, place: Boundary, after: Boundary | None) -> bool:
        """Keep what is needed at a place; say whether it can be kept."""
        try:
            with memory_named("a batch of the frozen part", "Choose a smaller size."):
                self._hold(place, after)
        except (TrainingError, SourceError, OutOfMemory) as error:
            _log.warning("Training live, because nothing can be kept: %s", error)
            return False
        return True

    def _hold(self, place: Boundary, after: Boundary | None = None) -> None:
        """Keep what the network gives at a place, by way of an earlier place."""
        if place.layer in self._held:
            return
        if after:
            self._hold(after)
        budget = self._budget
        frozen = Extractor(
            self._cut(place, after).prefix, cache=budget.cache, max_memory=budget.limit
        )
        self._held[place.layer] = {
            part: frozen(
                self._held[after.layer][part] if after else images.split.images,
                budget.views_of(part),
            )
            for part, images in self._parts.items()
        }

    def _cut(self, place: Boundary, after: Boundary | None = None) -> Cut:
        height, width, _ = self._data.train.shape
        native = height, width
        return cut_at(
            self._network.model, *self._pair, place, native=native, after=after
        )

    @property
    def _pair(self) -> tuple[Model, Model]:
        """The backbone and the head; only a network that has them is cut."""
        if self._network.parts is None:
            raise TrainingError("Expected a backbone and a head; the network has none.")
        return self._network.parts


def _frozen_until(
    network: Network, trunk: Model, head: Model, phase: Phase
) -> Boundary | None:
    """Return the end of what a phase leaves as it is."""
    mask = learning(
        network.body, phase.unfreeze, snap=phase.snap, block_of=network.block_of
    )
    first = network.body[mask.index(True)] if any(mask) else None
    stop = len(trunk.layers) if first is None else trunk.layers.index(first)
    before = trunk.layers[:stop]  # what is before the body, too
    if any(map(augments, before)) or any(map(penalises, before)):
        return None
    return pooling(head) if first is None else boundary(trunk, first)
