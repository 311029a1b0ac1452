"""Callbacks that do not see the steps which were done before a training went on."""

from typing import Any

import keras

from cifarkit.training._fed import Fed


class Resting(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Another callback, less the steps that are passed over.

    Args:
        other: the callback.
        fed: the model that is fitted, which knows what it passes over.
    """

    def __init__(self, other: Any, fed: Fed) -> None:
        super().__init__()
        self._other, self._fed = other, fed

    def set_params(self, params: Any) -> None:
        self._other.set_params(params)

    def set_model(self, model: Any) -> None:
        self._other.set_model(model)


def _passed_on(name: str) -> Any:
    of_a_step = name.endswith(("_batch_begin", "_batch_end"))

    def hook(self: Resting, *given: Any, **named: Any) -> None:
        if not (of_a_step and self._fed.skipped):
            getattr(self._other, name)(*given, **named)

    return hook


for _name in dir(keras.callbacks.Callback):
    if _name.startswith("on_"):
        setattr(Resting, _name, _passed_on(_name))
