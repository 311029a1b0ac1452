"""Arrays into the variables of a model: all of them, or none."""

import numpy as np

from cifarkit._errors import CorruptFile
from cifarkit._types import Arrays, Model


def assign(model: Model, arrays: Arrays) -> None:
    """Set every variable of a model that carries weights.

    Args:
        model: a built `keras.Model`.
        arrays: one array for each variable, by `"layer/variable"`, of its shape. The
            arrays of a layer without weights have no place here.

    Raises:
        CorruptFile: an array is missing, is of no use or has another shape; the model
            is left as it was.
    """
    variables = {variable.path: variable for variable in model.weights}
    wanted = {path: tuple(variable.shape) for path, variable in variables.items()}
    received = {path: np.shape(array) for path, array in arrays.items()}
    if wanted != received:
        raise CorruptFile(_difference(wanted, received))
    for path, variable in variables.items():
        variable.assign(arrays[path])


def _difference(
    wanted: dict[str, tuple[int, ...]], received: dict[str, tuple[int, ...]]
) -> str:
    missing = sorted(wanted.keys() - received.keys())
    unused = sorted(received.keys() - wanted.keys())
    odd = [
        f"{path} {received[path]} instead of {wanted[path]}"
        for path in sorted(wanted.keys() & received.keys())
        if wanted[path] != received[path]
    ]
    groups = {"missing": missing, "of no use": unused, "of another shape": odd}
    found = "; ".join(
        f"{len(names)} {kind} ({', '.join(names[:3])}{', ...' if names[3:] else ''})"
        for kind, names in groups.items()
        if names
    )
    return (
        f"Expected one array for each of the {len(wanted)} variables of the model; "
        f"received {found}. Use the weights of this architecture."
    )
