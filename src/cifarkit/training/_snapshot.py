"""All variables of a phase in progress, as arrays, and back.

These are those of what learns, its random seeds and its running metrics, and those of
the optimizer with its averages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from cifarkit._errors import CorruptFile
from cifarkit._types import Model
from cifarkit.training._numbered import Arrays, numbered, series

_MODEL, _METRIC = "model", "metric"


def taken(model: Model) -> Arrays:
    """Return the arrays of a compiled model."""
    synchronise(model)
    arrays = numbered(_MODEL, _learning(model))
    return arrays | numbered(_METRIC, _metrics(model))


def put_back(model: Model, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give a compiled model what `taken` took; not the metrics.

    Raises:
        CorruptFile: the arrays are not those of this model.
    """
    _assign(_learning(model), series(_MODEL, arrays))


def put_back_metrics(model: Model, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give a model the running metrics of the epoch that `taken` saw."""
    _assign(_metrics(model), series(_METRIC, arrays))


def synchronise(model: Model) -> None:
    """Bring variables up to date; Keras on JAX leaves them behind within an epoch."""
    getattr(model, "jax_state_sync", lambda: None)()


def is_finite(model: Model) -> bool:
    """Whether all weights that learn are numbers, and finite."""
    return all(
        bool(keras.ops.all(keras.ops.isfinite(each)))
        for each in model.trainable_variables
    )


def seeds_of(model: Model) -> list[Any]:
    """Return the variables of a model that are no weights: random seeds."""
    weights = {id(each) for each in model.weights}
    return [each for each in _distinct(model.variables) if id(each) not in weights]


def _learning(model: Model) -> list[Any]:
    metrics = {id(each) for each in _metrics(model)}
    # Seeds of a part that runs ahead are no variables of what is fitted.
    seeds = seeds_of(model.network)
    found = _distinct([*model.variables, *seeds, *model.optimizer.variables])
    return [each for each in found if id(each) not in metrics]


def _metrics(model: Model) -> list[Any]:
    return _distinct(model.metrics_variables)


def _distinct(variables: Sequence[Any]) -> list[Any]:
    return list({id(each): each for each in variables}.values())


def _assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    expected = [tuple(each.shape) for each in variables]
    received = [each.shape for each in values]
    if expected != received:
        raise CorruptFile(
            f"Expected a checkpoint of {len(expected)} variables as this network and "
            f"its optimizer have them; received {len(received)} others."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
