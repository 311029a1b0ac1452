"""Optional dependencies, imported when they are used and not before."""

import importlib
import sys
from types import ModuleType

from cifarkit._errors import MissingExtra

_UNASKED = {"openvino": "openvino_telemetry"}
"""What a package would load to report its use to its maker without having asked."""


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra of cifarkit brings it.

    Args:
        module: the dotted name to import. OpenVINO is imported without its telemetry,
            which would hold up a machine that has no network, too.
        extra: the extra in `pip install 'cifarkit[extra]'`.

    Raises:
        MissingExtra: `module` is not installed. An import error *inside* an installed
            module is passed on as it is: it is a fault, not an absence.
    """
    if (unasked := _UNASKED.get(module)) and module not in sys.modules:
        sys.modules.setdefault(unasked, None)  # type: ignore[arg-type]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtra(
            f"Expected the package {module!r}, which is not installed. "
            f"Run: pip install 'cifarkit[{extra}]'"
        ) from None
