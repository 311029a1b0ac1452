"""The network that learns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from keras import ops

from cifarkit import models
from cifarkit._errors import InvalidArgument
from cifarkit._types import Layer, Model
from cifarkit.backbones import RANDOM, Backbone
from cifarkit.heads import Head

TAKEN = ("image", "target", "noise", "augment")
"""The names of what a network is fed with while it learns."""


@dataclass(frozen=True)
class Network:
    """A network and the part of it that phases freeze and unfreeze.

    Args:
        model: raw RGB in [0, 255] in, probabilities out; built-in layers only.
        body: the backbone's layers in order; empty for a network without a backbone,
            all of which learns.
        block_of: gives the block of a body layer's name, or None.
        parts: the backbone and the head, or None for a network without them.
    """

    model: Model
    body: tuple[Layer, ...]
    block_of: Callable[[str], str | None]
    parts: tuple[Model, Model] | None = None


def pretrained(
    backbone: Backbone, head: Head, *, classes: int, size: int, seed: int
) -> Network:
    """Return a new network of a backbone and a head, at `size` x `size` pixels."""
    trunk = backbone.build(size)
    if backbone.weights.name == RANDOM:
        models.redraw(backbone.body(trunk), seed)
    models.reseed(trunk, seed)
    top = head.build(tuple(trunk.output_shape[1:]), classes, seed=seed)
    body = tuple(backbone.body(trunk))
    whole = models.assemble(trunk, top, interpolation=backbone.interpolation)
    return Network(whole, body, backbone.block_of, (trunk, top))


def from_scratch(
    model: Model, *, classes: int, native: tuple[int, ...], seed: int
) -> Network:
    """Return a copy of a whole network; the caller's model is never changed.

    Args:
        model: the network.
        classes: how many classes there are.
        native: of one image, `(H, W, 3)`.
        seed: of the dropout in layers that have no seed of their own.

    Raises:
        InvalidArgument: it takes other images, its output is not one probability for
            each class, nothing in it learns, a layer cannot be copied, or Keras is set
            to put channels first.
    """
    models.require_channels_last()
    if not models.is_graph(model) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InvalidArgument(
            "Expected a built functional or sequential keras.Model of one input and "
            f"one output; received {type(model).__name__} {model.name!r}. "
            "Begin it with keras.Input."
        )
    wanted = tuple(model.input_shape[1:])
    if len(wanted) != 3 or any(
        side not in (None, given) for side, given in zip(wanted, native, strict=True)
    ):
        raise InvalidArgument(
            f"Expected a network that takes images of shape {native}; received one "
            f"that takes {wanted}. Nothing is resized for a whole network: build it "
            "for these images, or put a keras.layers.Resizing first."
        )
    if tuple(model.output_shape[1:]) != (classes,):
        raise InvalidArgument(
            f"Expected a network with {classes} outputs, one for each class; received "
            f"output shape {tuple(model.output_shape)}. "
            f"Build it with classes={classes}, or give a head."
        )
    if model.name in TAKEN:
        raise InvalidArgument(
            f"Expected a network of another name than {model.name!r}, which is one of "
            "what it is fed with here. Build it with another name=."
        )
    if not model.trainable_variables:
        raise InvalidArgument(
            f"Expected a network that learns; received {model.name!r}, all of which is "
            "frozen. Set trainable = True on what is to learn."
        )
    copy = models.copy_of(model)
    models.reseed(copy, seed)
    _check_probabilities(copy, native)
    return Network(copy, (), lambda name: None)


def _check_probabilities(model: Model, native: tuple[int, ...]) -> None:
    grey = np.full((1, *native), 127.0, np.float32)
    total = float(np.sum(ops.convert_to_numpy(model(grey, training=False))))
    if not np.isclose(total, 1.0, atol=1e-2):
        raise InvalidArgument(
            f"Expected probabilities, which sum to 1; received outputs that sum to "
            f"{total:g}. End the network with a softmax."
        )
