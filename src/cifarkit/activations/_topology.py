"""What a model computes, as text without the names that Keras counts up."""

import json
from collections.abc import Mapping
from typing import Any

from cifarkit import models
from cifarkit._types import Model

Places = Mapping[str, int]
"""The place of each layer of a model, by its name."""


def topology(model: Model) -> str:
    """Return the layers of a model, their settings and connections, as JSON.

    Layers are known by their place, so that a model that is built twice has one text:
    Keras numbers the names of all layers of a process. Where a name says what a value
    is, as in a precision policy, it stays. It is empty for a model with a layer that
    cannot be written down, or only as another one.
    """
    if models.namesake(model):
        return ""
    try:
        written = json.loads(model.to_json())
    except models.UNWRITABLE:
        return ""
    return json.dumps(_nameless(written, {}), sort_keys=True)


def is_of_keras(written: str) -> bool:
    """Whether all that a `topology` names is code of Keras."""
    return all(map(_is_known, models.named_objects(json.loads(written))))


def _is_known(entry: dict[str, Any]) -> bool:
    name, module = str(entry["class_name"]), entry.get("module")
    if module is None:  # a value such as "__numpy__", or a class of the script itself
        return name.startswith("__") and name != "__lambda__"
    return str(module).partition(".")[0] == "keras" and name != "Lambda"


def _nameless(value: Any, places: Places) -> Any:
    if isinstance(value, list):
        return [_nameless(each, places) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("layers"), list):
        return _model(value)
    if isinstance(value.get("config"), dict) and "trainable" in value["config"]:
        value = _unnamed(value)
    if "keras_history" in value:
        name, *rest = value["keras_history"]
        value = {**value, "keras_history": [places[name], *rest]}
    return {key: _nameless(each, places) for key, each in value.items()}


def _model(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a model, in which layers refer to each other."""
    layers = config["layers"]
    places = {each["config"]["name"]: place for place, each in enumerate(layers)}
    ends = {
        key: _placed(config[key], places)
        for key in ("input_layers", "output_layers")
        if key in config
    }
    rest = {key: each for key, each in config.items() if key not in ("name", "layers")}
    entries = [_nameless(_unnamed(each), places) for each in layers]
    return {**_nameless(rest, places), **ends, "entries": entries}


def _unnamed(layer: dict[str, Any]) -> dict[str, Any]:
    """Leave out its name, and whether it learns, which says nothing of its values."""
    entry = {key: each for key, each in layer.items() if key != "name"}
    settings, passed = layer["config"], {"name", "trainable"}
    if layer.get("class_name") == "RandomCrop":  # Keras draws one where none is given
        passed |= {"seed"}
    unnamed = {key: each for key, each in settings.items() if key not in passed}
    return {**entry, "config": unnamed}


def _placed(ends: Any, places: Places) -> Any:
    """Replace the names in `["layer", 0, 0]`, in lists or mappings of such."""
    if isinstance(ends, list):
        return [_placed(each, places) for each in ends]
    if isinstance(ends, dict):
        return {key: _placed(each, places) for key, each in ends.items()}
    return places.get(ends, ends)
