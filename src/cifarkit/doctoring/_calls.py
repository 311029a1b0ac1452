"""CK114: a model that is called is in training without a word of it."""

from collections.abc import Iterator

import keras

from cifarkit import models
from cifarkit._types import Layer, Model
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import graph_of
from cifarkit.training._freezing import is_batch_norm, leaves


def called_in_training(case: Case) -> Iterator[Finding]:
    """CK114: an image layer in front puts what comes after it into training.

    `training=True` is the default of Keras' own image layers, `Resizing` too, and the
    first layer of a call that knows decides for all after it.
    """
    graph = graph_of(case.plain)
    first, moved = _led(graph) if graph else (None, [])
    if first is not None and moved:
        yield Finding(
            "CK114",
            "warning",
            "model(images) runs as in training",
            f"{first.name!r} is called without training=, which is True in Keras' "
            f"image layers, and {len(moved)} layers such as {moved[0].name!r} follow: "
            "a call drops out and normalises by its batch. predict and evaluate do "
            "not.",
            "Write model(images, training=False), or give the image layer "
            "training=False where the network is put together.",
        )


def _led(graph: Model) -> tuple[Layer | None, list[Layer]]:
    """Return the layer that puts a call of the graph into training, and who follows."""
    first, leads, moved = None, False, list[Layer]()
    for node in models.calls(graph)[::-1]:
        told = node.arguments.kwargs.get("training")
        if told is not None:
            leads = told is True
            first = first or (node.operation if leads else None)
        elif leads:
            moved += [each for each in leaves(node.operation) if _differs(each)]
    return first, moved


def _differs(layer: Layer) -> bool:
    """Whether a layer does in training what it does not do else.

    A `Dropout` in the graph itself is told False, its own default; one in a model
    inside follows.
    """
    drops = isinstance(layer, keras.layers.Dropout) and layer.rate > 0
    return drops or (is_batch_norm(layer) and bool(layer.trainable))
