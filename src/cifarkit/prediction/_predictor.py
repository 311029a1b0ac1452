"""A trained classifier as people use it: any images in, named classes out."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from cifarkit import images
from cifarkit._errors import InvalidArgument, InvalidImage
from cifarkit._numbers import require_whole
from cifarkit._types import Floats, Images, Model
from cifarkit.metrics._checks import checked_probabilities
from cifarkit.prediction._items import fitted, pixels, shrunk
from cifarkit.prediction._loading import Loaded, load, of_model
from cifarkit.prediction._names import checked_names
from cifarkit.prediction._prediction import Prediction


@final
class Predictor:
    """Classifies images from anywhere, of any sizes, by one model.

    Args:
        model: a `keras.Model` from raw RGB to probabilities; a `.keras` file; a file or
            SavedModel folder that `cifarkit.exporting` wrote; or the folder that
            `TrainResult.save` wrote.
        class_names: one name for each class, in label order. None takes those of the
            folder, or of a `classes.json` beside the file; else classes are named by
            their numbers.
        max_pixels: the most pixels of an image that is decoded.

    Attributes:
        class_names: in label order.
        size: height and width at which the network sees images, in pixels.
        fixed: whether the model takes images of that size alone; all others are then
            resized before.
        batch_size: the most images that run together; may be set.
        max_pixels: as given; may be set.

    Raises:
        CorruptFile: a file that is no model, or does not fit to what lies beside it.
        InvalidArgument: another kind of thing, or names that do not fit the model.
        MissingExtra: the runtime of an exported file is not installed.

    Example:
        >>> predictor = Predictor("runs/mine")                       # doctest: +SKIP
        >>> print(predictor("cat.jpg"))                              # doctest: +SKIP
        cat 97.1%, dog 1.8%, frog 0.4%
    """

    def __init__(
        self,
        model: Model | str | Path,
        class_names: Sequence[str] | None = None,
        *,
        max_pixels: int = images.MAX_PIXELS,
    ) -> None:
        require_whole("max_pixels", max_pixels)
        if isinstance(model, str | Path):
            found = load(Path(model), named=class_names is None)
        else:
            found = of_model(model)
        self._run, self.max_pixels = found.run, max_pixels
        self.size, self.fixed = found.size, found.fixed
        self.batch_size = 32
        self.class_names = _names(found, class_names)

    def __call__(self, item: Any) -> Prediction:
        """Classify one image.

        Args:
            item: the bytes of an image file, its path, a `PIL.Image.Image`, or an
                array, uint8, shape `(H, W, 3)`, RGB in [0, 255].

        Raises:
            InvalidImage: it cannot be decoded, or is too large.
            InvalidArgument: it is another kind of thing.
            InvalidData: the model gives no probabilities for it.
        """
        (row,) = self.probabilities([self.prepared(item)])
        return self.named(row)

    def batch(self, items: Iterable[Any]) -> tuple[Prediction, ...]:
        """Classify several images of any sizes; the answers are in their order.

        Nothing is classified unless all images can be decoded.

        Raises:
            InvalidImage: as for one image; the text names its place, from 0.
            InvalidArgument: likewise.
        """
        return tuple(map(self.named, self.probabilities(self.prepared_batch(items))))

    def prepared(self, item: Any) -> Images:
        """Decode an image, and make it no larger than the network sees images.

        Returns:
            uint8, shape `(H, W, 3)`.

        Raises:
            InvalidImage: as for a call.
            InvalidArgument: likewise.
        """
        adapt = fitted if self.fixed else shrunk
        array = pixels(item, max_pixels=self.max_pixels)
        return adapt(array, *self.size)

    def prepared_batch(self, items: Iterable[Any]) -> list[Images]:
        """Decode several images, likewise; an error names the place, from 0."""
        if not isinstance(items, Iterable):
            raise InvalidArgument(
                f"Expected images, such as a list of paths; received {items!r:.100}. "
                "Call the predictor itself with one."
            )
        return [self._placed(item, place) for place, item in enumerate(items)]

    def named(self, row: Floats) -> Prediction:
        """Return an image's row of `probabilities` with the names of the classes."""
        return Prediction(dict(zip(self.class_names, map(float, row), strict=True)))

    def probabilities(self, arrays: Sequence[Images]) -> Floats:
        """Return the probabilities of prepared images, float32, shape `(N, C)`.

        Args:
            arrays: as `prepared` returns them; those of one shape run together.

        Raises:
            InvalidData: the model gives no probabilities for them.
        """
        rows = np.empty((len(arrays), len(self.class_names)), np.float32)
        groups: dict[tuple[int, ...], list[int]] = {}
        for place, array in enumerate(arrays):
            groups.setdefault(array.shape, []).append(place)
        for places in groups.values():
            for start in range(0, len(places), self.batch_size):
                chosen = places[start : start + self.batch_size]
                batch = np.stack([arrays[place] for place in chosen])
                found = self._run(batch)
                checked_probabilities(found)
                rows[chosen] = found
        return rows

    def _placed(self, item: Any, place: int) -> Images:
        try:
            return self.prepared(item)
        except (InvalidImage, InvalidArgument) as error:
            raise type(error)(f"image {place}: {error}") from error


def _names(found: Loaded, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return found.class_names or tuple(map(str, range(found.classes)))
    try:
        names = given if isinstance(given, str) else tuple(map(str, given))
        return checked_names(names, found.classes)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            f"Expected {found.classes} different class names, one for each output of "
            f"the model; received {given!r:.300} ({error})."
        ) from error
