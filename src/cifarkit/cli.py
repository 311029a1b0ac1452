"""The command line: thin arguments over the library."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence

from cifarkit import __version__
from cifarkit._errors import CifarkitError, InvalidArgument, UnknownName
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
        options.run(options)
    except CifarkitError as error:
        print(f"cifarkit: {error}", file=sys.stderr)
        return 1
    return 0


def cache(keep: float | None) -> None:
    """List what the store keeps of activations; delete the oldest of it if asked to.

    Args:
        keep: GiB that may stay, or None to delete nothing.

    Raises:
        InvalidArgument: `keep` is below 0.
    """
    from cifarkit import activations

    if keep is not None and not keep >= 0:
        raise InvalidArgument(f"Expected --keep of 0 GiB or more; received {keep:g}.")
    if keep is not None:
        for entry in activations.prune(int(keep * 2**30)):
            print(f"deleted {entry.path.name[:12]}")
    for entry in activations.kept():
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        name, key = entry.path.name[:12], entry.key
        size = f"{entry.nbytes / 2**20:,.0f} MiB"
        print(f"{name}  {size:>11}  {used}  {key.dtype}, {key.views}, {key.engine}")
    print(f"{activations.size() / 2**20:,.0f} MiB of activations")


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
    getting.set_defaults(run=lambda options: fetch(options.names))
    keeping = commands.add_parser("cache", help="list or delete kept activations")
    keeping.add_argument(
        "--keep", type=float, metavar="GIB", help="delete the oldest beyond this size"
    )
    keeping.set_defaults(run=lambda options: cache(options.keep))
    return parser
