"""Where a network can be cut in two: at places that one tensor alone crosses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from cifarkit import models
from cifarkit._types import Layer, Model, Tensor

_HEAD = "head/"  # no layer of Keras may have such a name


@dataclass(frozen=True)
class Boundary:
    """A place in a network that one tensor alone crosses.

    Args:
        layer: the name of the layer that gives the tensor; that of a head's layer
            begins with `"head/"`.
        tensor: the symbolic tensor.
    """

    layer: str
    tensor: Tensor

    def __str__(self) -> str:
        return "the head's pooling" if self.in_head else self.layer

    @property
    def in_head(self) -> bool:
        """Whether it lies in the head, behind all of the backbone."""
        return self.layer.startswith(_HEAD)


def pooling(head: Model) -> Boundary:
    """Return the boundary in a head, behind its pooling."""
    return Boundary(f"{_HEAD}pool", head.get_layer("pool").output)


def depth(model: Model, place: Boundary) -> int:
    """Return how many calls of a model lie before a boundary; all, before the head."""
    nodes = _from_the_inputs(model)
    for number, node in enumerate(nodes):
        if any(tensor is place.tensor for tensor in node.output_tensors):
            return number
    return len(nodes)


def boundary(model: Model, first: Layer | None) -> Boundary | None:
    """Return the last boundary of a functional model before a layer.

    Args:
        model: a functional `keras.Model`. A layer that is called more than once lies
            where it is called first, and no boundary between its calls.
        first: the layer that must lie behind the boundary; None for the model's end.

    Returns:
        The boundary, or None if nothing with weights lies before it, so that there is
        nothing to compute ahead.
    """
    layers, nodes = list(model.layers), _from_the_inputs(model)
    stop = len(layers) if first is None else layers.index(first)
    for end in range(stop, 0, -1):
        before = _before(nodes, {id(layer) for layer in layers[end:]})
        if before is None:
            continue
        crossing = _crossing(model, nodes, before)
        if len(crossing) == 1:
            ((name, tensor),) = crossing
            heavy = _heavy(node.operation for node in before)
            return Boundary(name, tensor) if heavy else None
    return None


def _from_the_inputs(model: Model) -> list[Any]:
    """Return the calls of a model, each behind those whose tensors it takes."""
    return models.calls(model)[::-1]


def _before(nodes: Sequence[Any], behind: set[int]) -> list[Any] | None:
    """Return the calls before a boundary.

    Args:
        nodes: all calls, in their order.
        behind: ids of the layers behind the boundary. An operation that is no layer
            lies where its last argument is made.

    Returns:
        The calls, or None if a layer before the boundary is called behind it too.
    """
    found, late = [], set[int]()
    for node in nodes:
        waits = any(id(tensor) in late for tensor in node.input_tensors)
        layer = isinstance(node.operation, keras.layers.Layer)
        if id(node.operation) in behind or (waits and not layer):
            late |= {id(tensor) for tensor in node.output_tensors}
        elif waits:
            return None
        else:
            found.append(node)
    return found


def _crossing(
    model: Model, nodes: Sequence[Any], before: Sequence[Any]
) -> list[tuple[str, Tensor]]:
    """Return the tensors made before a boundary that are needed behind it."""
    early = {id(node) for node in before}
    needed = {id(tensor) for tensor in model.outputs}
    for node in nodes:
        if id(node) not in early:
            needed |= {id(tensor) for tensor in node.input_tensors}
    made = [("the images", tensor) for tensor in model.inputs]
    made += [
        (node.operation.name, each) for node in before for each in node.output_tensors
    ]
    return [(name, tensor) for name, tensor in made if id(tensor) in needed]


def _heavy(operations: Iterable[Any]) -> bool:
    """Whether any operation holds weights that a network learned, not a constant."""
    return any(
        getattr(each, "weights", ()) and not each.name.startswith("preprocess")
        for each in operations
    )
