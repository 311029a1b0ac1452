"""Steps that follow each other on a device, without the host between them.

For Keras on JAX. What a step costs the host, to hand over some hundred weights, is paid
once for a stack of batches. Images stay on the device: a batch has their positions, and
they are looked up within the step.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit.training._batches import Batch, Batches
from cifarkit.training._fed import Fed

_NONE = -1  # position of an image in a step that is none


class Stacks(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
    """Batches on top of each other, beside the images that they are about.

    Args:
        batches: those of one epoch, of positions in place of images; a smaller one at
            its end is a stack of its own.
        images: all images, uint8, shape `(N, H, W, 3)`, on the device.
        height: most batches in a stack.
    """

    def __init__(self, batches: Batches, images: Any, height: int) -> None:
        super().__init__()
        self._batches, self._images = batches, images
        self._height = max(1, min(height, batches.full))

    @property
    def num_batches(self) -> int:
        """Stacks per epoch."""
        left_over = self._batches.num_batches - self._batches.full
        return -(-self._batches.full // self._height) + left_over

    def __getitem__(self, number: int) -> Batch:
        """Return a stack of batches, filled up with steps of no image."""
        first, full = number * self._height, self._batches.full
        if first >= full:
            return self._stacked([self._batches[full]], height=1)
        steps = range(first, min(first + self._height, full))
        return self._stacked([self._batches[each] for each in steps], self._height)

    def _stacked(self, steps: Sequence[Batch], height: int) -> Batch:
        def stack(*rows: NDArray[Any]) -> NDArray[Any]:
            whole = np.full((height, *rows[0].shape), _NONE, rows[0].dtype)
            whole[: len(rows)] = rows
            return whole

        inputs, targets, weights = keras.tree.map_structure(stack, *steps)
        return {**inputs, "images": self._images}, targets, weights


class Looped(Fed):
    """A fed network that goes through a stack of batches in one call."""

    def train_step(self, state: Any, data: Any) -> Any:
        """Learn from each batch; return metrics and state, as Keras' own step does."""
        return self._through(super().train_step, state, data)

    def test_step(self, state: Any, data: Any) -> Any:
        """Judge each batch; return metrics and state, as Keras' own step does."""
        return self._through(super().test_step, state, data)

    def _through(self, step: Callable[..., Any], state: Any, stacks: Batch) -> Any:
        import jax

        inputs, targets, weights = stacks
        rest = dict(inputs)
        images, positions = rest.pop("images"), rest.pop("image")

        def one(number: Any, state: Any) -> Any:
            row = jax.tree.map(lambda each: each[number], (rest, targets, weights))
            row[0]["image"] = images[positions[number]]
            return step(state, row)[1]

        steps = (positions[:, 0] != _NONE).sum()
        state = jax.lax.fori_loop(0, steps, one, state)
        pairs = zip(self.metrics_variables, state[-1], strict=True)
        with keras.StatelessScope(state_mapping=pairs):
            return self.get_metrics_result(), state
