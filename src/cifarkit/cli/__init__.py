"""The command line: thin arguments over the library."""

import logging
import os
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
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough; nothing more may be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except CifarkitError as error:
        print(f"cifarkit: {error}", file=sys.stderr)
        return 1
    return 0
