"""What the course of a training follows from, so that no other one goes on with it."""

import hashlib
import re
from dataclasses import asdict
from typing import Any

import keras

from cifarkit._numbers import is_number, is_whole
from cifarkit._types import Json
from cifarkit.activations import Cache, topology, versions_of, weights_digest
from cifarkit.training._course import Course
from cifarkit.training._inputs import Data, InMemory, Source
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase


def identity(course: Course, data: Data, network: Network) -> Json:
    """Return all that decides about the result of a training, as JSON values.

    Args:
        course: what is trained, and how.
        data: the images.
        network: the network, before the training.
    """
    cache = course.cache
    return {
        "backbone": _backbone(course, network),
        "head": repr(course.head),
        "network": hashlib.sha256(topology(network.model).encode()).hexdigest(),
        "size": course.size(data),
        "phases": [_settings(phase) for phase in course.phases],
        "augmentation": [_described(each) for each in course.policy.items],
        "cache": _kept(cache) if isinstance(cache, Cache) else cache,
        "seed": int(course.seed),
        "deterministic": course.deterministic,
        "devices": course.share.devices,
        "training images": _digest(data.train),
        "validation images": data.validation and _digest(data.validation),
        "versions": versions_of("openvino"),
    }


def _kept(cache: Cache) -> Json:
    """Return what of a cache decides about its content."""
    ours = asdict(cache)
    return {name: ours[name] for name in ("dtype", "precision", "views")}


def _described(item: Any) -> str:
    """Return an augmentation in words that are the same in every process."""
    told = repr(item)
    if told == object.__repr__(item):  # a place in memory
        told = f"{type(item).__qualname__} {vars(item)}"
    return told


def _backbone(course: Course, network: Network) -> Json:
    """Return what a backbone brings along; a network from scratch brings nothing."""
    if network.parts is None:
        return {}
    return {
        "preprocess": course.backbone.preprocess,
        "interpolation": course.backbone.interpolation,
        "weights": weights_digest(network.parts[0]),
    }


def _digest(source: Source) -> Json:
    """Return the digest of images and labels; a stream is known by its size alone."""
    if isinstance(source, InMemory):
        return {"count": len(source), "digest": source.split.digest}
    return {"count": len(source), "shape": list(source.shape)}


def _settings(phase: Phase) -> Json:
    """Return the settings of a phase; Keras objects with all of their own."""
    told = phase.to_dict()
    if is_number(phase.unfreeze):
        told["unfreeze"] = _share_or_count(phase.unfreeze)
    for name in ("optimizer", "loss", "metrics"):
        told[name] = _written(getattr(phase, name))
    return told


def _share_or_count(unfreeze: float) -> str:
    """Return in words what JSON would not tell apart: 1 is a layer, 1.0 are all."""
    return f"{unfreeze} layers" if is_whole(unfreeze) else f"{unfreeze} of the layers"


def _unnumbered(value: Any) -> Any:
    """Return settings without the numbers that Keras puts behind names."""
    if isinstance(value, dict):
        return {
            key: re.sub(r"_\d+$", "", each)
            if key == "name" and isinstance(each, str)
            else _unnumbered(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_unnumbered(each) for each in value]
    return value


def _written(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_written(each) for each in value]
    try:
        return repr(_unnumbered(keras.saving.serialize_keras_object(value)))
    except Exception:  # what cannot be written down is known by its kind
        return type(value).__name__
