"""Running the frozen part over all images, and keeping what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import TrainingError
from cifarkit._types import Floats, Images, Labels, Model
from cifarkit.activations._engine import engine_for
from cifarkit.activations._views import Views

BATCH = 128
"""Images that the frozen part takes at once."""


@dataclass(frozen=True, eq=False)
class Activations:
    """What a frozen part gave for each view of each image.

    Args:
        values: shape `(views, N, ...)`, float16 or float32.
        views: which views these are.
        engine: what computed them, `"openvino"` or the Keras backend's name.
    """

    values: NDArray[Any]
    views: Views
    engine: str

    def __len__(self) -> int:
        return int(self.values.shape[1])

    def take(self, chosen: Labels, noise: Floats) -> NDArray[Any]:
        """Return the activations of the chosen images under the views of the noise."""
        return self.values[self.views.choose(noise), chosen]


def extract(
    prefix: Model,
    inputs: Images | Activations,
    views: Views,
    *,
    dtype: str = "float16",
) -> Activations:
    """Run a frozen part over all views of all images.

    Args:
        prefix: a `keras.Model`, from images or from the activations of an earlier cut.
        inputs: uint8 images, shape `(N, H, W, 3)`, or those activations.
        views: the views; those of `inputs`, if they are activations.
        dtype: what the activations are kept in, `"float16"` or `"float32"`.

    Raises:
        TrainingError: a value is too large for `dtype`, or is no number.
    """
    count = len(inputs)
    shape = (len(views), count, *prefix.output_shape[1:])
    values = np.empty(shape, dtype)
    run, engine = engine_for(prefix, _full(_reader(inputs, views, 0)(0, BATCH)))
    for view in range(len(views)):
        read = _reader(inputs, views, view)
        for start in range(0, count, BATCH):
            stop = min(start + BATCH, count)
            given = run(_full(read(start, stop)))[: stop - start]
            with np.errstate(over="ignore"):  # what does not fit is refused below
                values[view, start:stop] = given
            _check(values[view, start:stop], dtype)
    return Activations(values, views, engine)


def _reader(
    inputs: Images | Activations, views: Views, view: int
) -> Callable[[int, int], NDArray[Any]]:
    if isinstance(inputs, Activations):
        return lambda start, stop: inputs.values[view, start:stop]
    return lambda start, stop: views.show(inputs[start:stop], view)


def _full(batch: NDArray[Any]) -> Floats:
    """Fill the last batch up, so that one compiled shape serves all."""
    missing = BATCH - len(batch)
    filled = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)])
    return np.ascontiguousarray(filled, np.float32)


def _check(values: NDArray[Any], dtype: str) -> None:
    if not np.isfinite(values).all():
        raise TrainingError(
            f"Expected activations that fit {dtype}; received a value beyond its range "
            "or a NaN. Look at the images and the preprocessing of the backbone."
        )
