"""Where a network can be cut in two: at places that one tensor alone crosses."""

from collections.abc import Iterable
from dataclasses import dataclass

from cifarkit._types import Layer, Model, Tensor


@dataclass(frozen=True)
class Boundary:
    """A place in a network that one tensor alone crosses.

    Args:
        layer: the name of the layer that gives the tensor.
        tensor: the symbolic tensor.
    """

    layer: str
    tensor: Tensor


def boundary(model: Model, first: Layer | None) -> Boundary | None:
    """Return the last boundary of a functional model before a layer.

    Args:
        model: a functional `keras.Model` in which every layer is called once.
        first: the layer that must lie behind the boundary; None for the model's end.

    Returns:
        The boundary, or None if nothing with weights lies before it, so that there is
        nothing to compute ahead, or if a layer is called more than once.
    """
    layers = list(model.layers)
    stop = len(layers) if first is None else layers.index(first)
    for end in range(stop, 0, -1):
        try:
            crossing = _crossing(layers[:end], layers[end:], model.outputs)
        except (AttributeError, ValueError):  # a shared layer has no one input
            return None
        if len(crossing) == 1:
            (layer, tensor), *_ = crossing
            before = layers[: layers.index(layer) + 1]
            return Boundary(layer.name, tensor) if _heavy(before) else None
    return None


def _crossing(
    before: list[Layer], after: list[Layer], outputs: Iterable[Tensor]
) -> list[tuple[Layer, Tensor]]:
    """Return the tensors made by `before` that `after` or the caller needs."""
    needed = {id(tensor) for tensor in outputs}
    for layer in after:
        needed |= {id(tensor) for tensor in _many(layer.input)}
    made = [(layer, tensor) for layer in before for tensor in _many(layer.output)]
    return [(layer, tensor) for layer, tensor in made if id(tensor) in needed]


def _heavy(layers: Iterable[Layer]) -> bool:
    """Whether any layer holds weights that a network learned, not a constant."""
    return any(
        layer.weights and not layer.name.startswith("preprocess") for layer in layers
    )


def _many(tensors: Tensor | list[Tensor]) -> list[Tensor]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]
