"""What a frozen part gave for each view of each image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cifarkit._types import Floats, Labels
from cifarkit.activations._codec import Codec
from cifarkit.activations._stored import Stored
from cifarkit.activations._views import Views


@final
@dataclass(frozen=True, eq=False)
class Activations:
    """What a frozen part gave for each view of each image; made by `extract`.

    Args:
        parts: the arrays of the codec, a row for each image of each view.
        codec: what the activations are kept in.
        views: which views these are.
        engine: what computed them, in words.
        digest: the digest of all that they follow from; empty where that is unknown.
    """

    parts: Mapping[str, NDArray[Any] | Stored]
    codec: Codec
    views: Views
    engine: str
    digest: str = ""

    def __len__(self) -> int:
        return int(self.parts["values"].shape[0]) // len(self.views)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what is kept of one image."""
        return self.codec.shape

    @property
    def nbytes(self) -> int:
        """Bytes of all of them."""
        return sum(part.nbytes for part in self.parts.values())

    def take(self, chosen: Labels, noise: Floats) -> NDArray[Any]:
        """Return the activations of chosen images under the views of the noise.

        Args:
            chosen: positions of images, shape `(B,)`.
            noise: uniform numbers, shape `(B, views.draws)`.

        Returns:
            float16 or float32, shape `(B, *shape)`.
        """
        return self._rows(self.views.choose(noise) * len(self) + chosen)

    def view(
        self, number: int, start: int = 0, stop: int | None = None
    ) -> NDArray[Any]:
        """Return the activations of images `start` to `stop` under one view."""
        stop = len(self) if stop is None else stop
        return self._rows(number * len(self) + np.arange(start, stop))

    def _rows(self, rows: Labels) -> NDArray[Any]:
        parts = {name: part[rows] for name, part in self.parts.items()}
        return self.codec.decode(parts)
