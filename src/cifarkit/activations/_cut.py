"""A network as a frozen part and a part that learns; both share its layers."""

from dataclasses import dataclass

import keras

from cifarkit._types import Model, Tensor
from cifarkit.activations._graph import Boundary


@dataclass(frozen=True)
class Cut:
    """A network in two parts that share its layers: what one learns, both have.

    Args:
        prefix: the frozen part; images, or the activations of an earlier cut, in.
        suffix: the part that learns; what `prefix` gives in, probabilities out.
    """

    prefix: Model
    suffix: Model


def cut_at(
    network: Model,
    trunk: Model,
    head: Model,
    at: Boundary,
    *,
    native: tuple[int, int],
    after: Boundary | None = None,
) -> Cut:
    """Cut a network of a trunk and a head.

    Args:
        network: the whole, as `models.assemble` makes it: images, resize, trunk, head.
        trunk: its backbone.
        head: its head.
        at: the boundary, in the trunk or in the head.
        native: height and width of the images.
        after: an earlier boundary in the trunk, where the prefix begins; None to
            begin with the images.
    """
    inside = not at.in_head
    entry, tensor = _images(network, native) if after is None else _activations(after)
    start = trunk.input if after is None else after.tensor
    tensor = keras.Model(start, at.tensor if inside else trunk.output)(tensor)
    if not inside:
        tensor = keras.Model(head.input, at.tensor)(tensor)
    return Cut(keras.Model(entry, tensor), _rest(trunk, head, at, inside))


def _images(network: Model, native: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return a new input for images, and it resized as in the network."""
    entry = keras.Input((*native, 3), name="images")
    return entry, network.get_layer("resize")(entry)


def _activations(at: Boundary) -> tuple[Tensor, Tensor]:
    """Return a new input for what an earlier cut gave, twice: nothing is resized."""
    entry = keras.Input(tuple(at.tensor.shape[1:]), name="activations")
    return entry, entry


def _rest(trunk: Model, head: Model, at: Boundary, inside: bool) -> Model:
    entry, tensor = _activations(at)
    if not inside:
        return keras.Model(entry, keras.Model(at.tensor, head.output)(tensor))
    return keras.Model(entry, head(keras.Model(at.tensor, trunk.output)(tensor)))
