"""The command line."""

import argparse
import sys

from cifarkit import CifarkitError
from inspector.learning import learn
from inspector.sorting import Sorter


def main(words=None):
    """Learn from a folder, or sort files; return the exit status."""
    parser = argparse.ArgumentParser(prog="inspector", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    learning = commands.add_parser("learn", help="from a folder of photographs")
    learning.add_argument("folder")
    learning.add_argument("--out", default="model")
    sorting = commands.add_parser("sort", help="photographs, a line for each")
    sorting.add_argument("model")
    sorting.add_argument("photographs", nargs="+")
    sorting.add_argument("--sure", type=float, default=0.9)
    options = parser.parse_args(words)
    try:
        if options.command == "learn":
            print(learn(options.folder, options.out))
        else:
            sorter = Sorter(options.model, sure=options.sure)
            for photograph in options.photographs:
                print(f"{photograph}: {sorter(photograph)}")
    except CifarkitError as error:  # its text says what to do
        print(f"inspector: {error}", file=sys.stderr)
        return 1
    return 0
