"""Optional dependencies, imported when they are used and not before."""

import importlib
from types import ModuleType

from cifarkit._errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra of cifarkit brings it.

    Args:
        module: the dotted name to import.
        extra: the extra in `pip install 'cifarkit[extra]'`.

    Raises:
        MissingExtra: `module` is not installed. An import error *inside* an installed
            module is passed on as it is: it is a fault, not an absence.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtra(
            f"Expected the package {module!r}, which is not installed. "
            f"Run: pip install 'cifarkit[{extra}]'"
        ) from None
