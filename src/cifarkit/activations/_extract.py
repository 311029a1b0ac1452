"""Running the frozen part over all images, and keeping what it gives."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit import _store
from cifarkit._errors import InvalidArgument, InvalidData, SourceError, TrainingError
from cifarkit._types import Floats, Images, Model
from cifarkit.activations import _ray, _shelf
from cifarkit.activations._activations import Activations
from cifarkit.activations._cache import Cache, cache_of
from cifarkit.activations._codec import Codec, Parts
from cifarkit.activations._engine import Engine, Run, engine_for, preferred
from cifarkit.activations._filling import Filling
from cifarkit.activations._key import Key, images_digest, prefix_digest, versions_of
from cifarkit.activations._stored import Stored
from cifarkit.activations._views import Flips, Views

BATCH = 128
"""Images that the frozen part takes at once."""

_TIMED = 3  # batches that a forecast is made of

PLAIN = Flips(mirrored=False)
"""The images as they are."""


def extract(
    prefix: Model,
    inputs: Images | Activations,
    views: Views = PLAIN,
    *,
    cache: Cache | None = None,
    max_memory: int = 2**62,
) -> Activations:
    """Return what a frozen part gives for all views of all images.

    What the store holds already is read from there. Of several processes that want the
    same, one computes and the others wait for it.

    Args:
        prefix: a `keras.Model`, from images or from the activations of an earlier cut.
        inputs: uint8 images, shape `(N, H, W, 3)`, or those activations.
        views: the views of the images; activations have theirs already.
        cache: how they are computed and kept; None for the defaults of `Cache`.
        max_memory: bytes of them that this process may hold in memory, where they are
            not on disk.

    Raises:
        TrainingError: a value is too large for the type, or is no number.
        InvalidArgument: `cache` is no `Cache`.
        InvalidData: there is no image.
        SourceError: they fit neither on disk nor into memory.
        MissingExtra: `cache` asks for what OpenVINO alone has.
    """
    return Extractor(prefix, cache=cache, max_memory=max_memory)(inputs, views)


@final
class Extractor:
    """A frozen part that is made ready once, for several sets of images.

    Args:
        prefix: as in `extract`; its weights must stay as they are.
        cache: as in `extract`.
        max_memory: as in `extract`.
    """

    def __init__(
        self, prefix: Model, *, cache: Cache | None = None, max_memory: int = 2**62
    ) -> None:
        self.prefix, self.cache = prefix, cache_of(cache)
        self.max_memory = max_memory
        self._ready: tuple[Run, Engine] | None = None

    def __call__(
        self, inputs: Images | Activations, views: Views = PLAIN
    ) -> Activations:
        """Return what `extract` returns."""
        return self._work(inputs, views).done()

    @cached_property
    def digest(self) -> str:
        """The digest of the frozen part."""
        return prefix_digest(self.prefix)

    @cached_property
    def codec(self) -> Codec:
        """What activations are kept in."""
        shape = self.prefix.output_shape
        if not isinstance(shape, tuple) or None in shape[1:]:  # a list is of several
            raise InvalidArgument(
                "Expected a network of one output whose size is known; received "
                f"{shape}. Build it on keras.Input((height, width, 3))."
            )
        return Codec(self.cache.dtype, shape[1:])

    def zeros(self, count: int, views: Views) -> Activations:
        """Return zeros like the activations of `count` images; they take no memory."""
        parts = {
            name: np.broadcast_to(np.zeros(shape, dtype), (len(views) * count, *shape))
            for name, (dtype, shape) in self.codec.layout.items()
        }
        engine = str(preferred(self.cache.precision))
        return Activations(parts, self.codec, views, engine)

    def is_stored(self, inputs: Images | Activations, views: Views = PLAIN) -> bool:
        """Whether the store has what a call would return; it is not read yet."""
        return self._work(inputs, views).is_stored()

    def is_begun(self, inputs: Images | Activations, views: Views = PLAIN) -> bool:
        """Whether the store has it, or a part of it."""
        return self._work(inputs, views).is_begun()

    def rate(self, images: Images) -> float:
        """Return how many images per second the frozen part takes, once it is ready."""
        batch = _full(images[:BATCH])
        run, _ = self.engine(batch)
        run(batch)
        started = time.perf_counter()
        for _ in range(_TIMED):
            run(batch)
        return _TIMED * BATCH / (time.perf_counter() - started)

    def _work(self, inputs: Images | Activations, views: Views) -> "_Work":
        if not len(inputs):
            raise InvalidData(
                "Expected at least one image; received none. Look at what chose them."
            )
        own = inputs.views if isinstance(inputs, Activations) else views
        return _Work(self, inputs, own)

    def engine(self, sample: Floats) -> tuple[Run, Engine]:
        """Return what runs the frozen part, and its name; the sample tests it once."""
        if self._ready is None:
            self._ready = engine_for(self.prefix, sample, self.cache.precision)
        return self._ready

    def each(self, batches: Iterable[Floats]) -> Iterator[Floats]:
        """Yield what the frozen part gives for each batch of the sample's size."""
        if self._ready is None:
            raise TrainingError(
                "Expected a frozen part that is ready; call engine(sample) first."
            )
        run, engine = self._ready
        if self.cache.ray:
            return _ray.computed(self.prefix, batches, engine)
        return map(run, batches)


@dataclass(frozen=True)
class _Work:
    """One extraction: `inputs` under `views`, by what is made ready for them."""

    by: Extractor
    inputs: Images | Activations
    views: Views

    @property
    def rows(self) -> int:
        return len(self.views) * len(self.inputs)

    @property
    def may_be_on_disk(self) -> bool:
        """Whether the store is asked at all."""
        return self._key.complete and self.by.cache.disk

    def is_stored(self) -> bool:
        """Whether an entry is there."""
        return self.may_be_on_disk and _shelf.path_of(self._likely).is_dir()

    def is_begun(self) -> bool:
        """Whether an entry is there, or a part of it."""
        begun = self.may_be_on_disk and _shelf.begun(self._likely) > 0
        return begun or self.is_stored()

    def belongs_on_disk(self) -> bool:
        """Whether the activations are to be written; if not, they fit into memory."""
        nbytes = self.rows * self.by.codec.nbytes
        begun = _shelf.begun(self._likely)
        if self.may_be_on_disk and _shelf.has_room(nbytes, begun):
            return True
        if nbytes <= self.by.max_memory:
            return False
        raise SourceError(
            f"Expected room for {nbytes:,} bytes of activations; received "
            f"{self.by.max_memory:,} in memory, and not enough on the disk of "
            f"{_store.root()}. Free some, or keep them in 'int8'."
        )

    def done(self) -> Activations:
        """Return the activations: read, or computed and kept."""
        if kept := self._read(preferred(self.by.cache.precision)):
            return kept
        on_disk = self.belongs_on_disk()
        _, engine = self.by.engine(_full(self._images(0, 0, BATCH)))
        if not on_disk:
            return self._activations(self._in_memory(), engine)
        with _shelf.lock(self._key_of(engine)):
            return self._read(engine) or self._filled(engine)

    def _read(self, engine: Engine) -> Activations | None:
        if not self.may_be_on_disk:
            return None
        parts = _shelf.read(self._key_of(engine))
        return None if parts is None else self._activations(parts, engine)

    def _filled(self, engine: Engine) -> Activations:
        filling = Filling(self._key_of(engine), self.by.codec, self.rows)
        done = filling.resume()
        filling.write(self._computed(done), done)
        kept = self._read(engine)
        if kept is None:
            raise SourceError(
                f"Expected activations in {_store.root()} as they were just written; "
                "received others. Look at the disk, or set cache=Cache(disk=False)."
            )
        return kept

    def _in_memory(self) -> Parts:
        parts = {
            name: np.empty((self.rows, *shape), dtype)
            for name, (dtype, shape) in self.by.codec.layout.items()
        }
        start = 0
        for stop, batch in self._computed(done=0):
            for name, array in batch.items():
                parts[name][start:stop] = array
            start = stop
        return parts

    def _computed(self, done: int) -> Iterator[tuple[int, Parts]]:
        """Give batches of rows behind the first `done`, and where each ends."""
        count, places = len(self.inputs), list(self._places(done))
        batches = (_full(self._images(*place)) for place in places)
        given = self.by.each(batches)
        for (view, start, stop), values in zip(places, given, strict=True):
            yield view * count + stop, self.by.codec.encode(values[: stop - start])

    def _places(self, done: int) -> Iterator[tuple[int, int, int]]:
        """Give view, start and stop of the batches behind the first `done` rows."""
        count = len(self.inputs)
        for view in range(len(self.views)):
            for start in range(0, count, BATCH):
                stop = min(start + BATCH, count)
                if view * count + stop > done:
                    yield view, start, stop

    def _images(self, view: int, start: int, stop: int) -> NDArray[Any]:
        if isinstance(self.inputs, Activations):
            return self.inputs.view(view, start, min(stop, len(self.inputs)))
        return self.views.show(self.inputs[start:stop], view, start)

    def _activations(
        self, parts: Mapping[str, NDArray[Any] | Stored], engine: Engine
    ) -> Activations:
        digest = self._key_of(engine).digest if self._key.complete else ""
        return Activations(parts, self.by.codec, self.views, str(engine), digest)

    @cached_property
    def _key(self) -> Key:
        """The key without its engine."""
        given = self.inputs
        images = (
            given.digest if isinstance(given, Activations) else images_digest(given)
        )
        return Key(self.by.digest, images, self.views.text, self.by.cache.dtype)

    @property
    def _likely(self) -> Key:
        """The key, if the engine that is tried first is the one that computes."""
        return self._key_of(preferred(self.by.cache.precision))

    def _key_of(self, engine: Engine) -> Key:
        versions = versions_of(engine.name)
        return replace(self._key, engine=str(engine), versions=versions)


def _full(batch: NDArray[Any]) -> Floats:
    """Fill the last batch up, so that one compiled shape serves all."""
    missing = BATCH - len(batch)
    filled = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)])
    return np.ascontiguousarray(filled, np.float32)
