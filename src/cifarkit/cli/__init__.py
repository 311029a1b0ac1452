"""The command line: thin arguments over the library."""

import logging
import sys
from collections.abc import Sequence

from cifarkit._errors import CifarkitError
from cifarkit.cli._parser import parser

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        arguments: the words after the program's name; by default the process's own.
    """
    options = vars(parser().parse_args(arguments))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        options.pop("run")(**options)
    except CifarkitError as error:
        print(f"cifarkit: {error}", file=sys.stderr)
        return 1
    return 0
