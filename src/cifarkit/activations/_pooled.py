"""The frozen network from images to pooled features: what a probe and a head need."""

from cifarkit import heads, models
from cifarkit._types import Model
from cifarkit.activations._cut import cut_at
from cifarkit.activations._graph import pooling as pooling_of
from cifarkit.heads import Pooling


def pooled(
    trunk: Model,
    *,
    native: tuple[int, int],
    interpolation: str = "bicubic",
    pooling: Pooling = "avg",
) -> Model:
    """Return a `keras.Model` from native images to the features of a backbone.

    It is the one that training cuts off, so that both know its features by one key.

    Args:
        trunk: a backbone as it was built; the two share their layers.
        native: height and width of the images.
        interpolation: how they are resized, as in `models.assemble`.
        pooling: how its feature map becomes features, as in `heads.linear`.
    """
    head = heads.linear(pooling=pooling).build(trunk.output_shape[1:], 2, seed=0)
    whole = models.assemble(trunk, head, native=native, interpolation=interpolation)
    end = pooling_of(head)
    return cut_at(whole, trunk, head, end, native=native).prefix
