"""The command line: thin arguments over the library."""

import argparse
import logging
import sys
from collections.abc import Sequence

from cifarkit import __version__
from cifarkit._errors import CifarkitError, UnknownName
from cifarkit._registry import unknown

NAMES = (
    *("cifar10", "cifar100", "mobilenetv2", "resnet50", "vgg16"),
    *("efficientnetb0", "densenet121", "efficientnetlite0"),
)
"""What `fetch` knows; written out, so that `--help` need not load Keras."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        arguments: the words after the program's name; by default the process's own.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        fetch(options.names)
    except CifarkitError as error:
        print(f"cifarkit: {error}", file=sys.stderr)
        return 1
    return 0


def fetch(names: Sequence[str]) -> None:
    """Put data sets and weights into the store, for a machine without a network later.

    Args:
        names: of data sets and of backbones, such as `"cifar10"` and `"resnet50"`.

    Raises:
        UnknownName: neither a data set nor a backbone has that name.
        SourceError: no source could give it.
    """
    from cifarkit import backbones, datasets

    for name in names:
        if name not in NAMES:
            listing = "cifarkit fetch --help"
            raise UnknownName(unknown("data set or backbone", name, NAMES, listing))
    sets = {"cifar10": datasets.cifar10, "cifar100": datasets.cifar100}
    for name in names:
        if name in sets:
            source = sets[name]().source
        else:
            backbone = backbones.get(name)
            backbone.build(backbone.spec.recommended)
            source = backbone.provenance()["source"]
        print(f"{name}: here, from {source}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cifarkit")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    getting = commands.add_parser(
        "fetch", help="fill the store with data sets and weights ahead of time"
    )
    getting.add_argument(
        "names", nargs="+", metavar="NAME", help=f"one of {', '.join(NAMES)}"
    )
    return parser
