"""The command line: thin arguments over the library."""

import argparse
import json
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

    if keep is not None and not 0 <= keep < float("inf"):
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


def predict(model: str, paths: Sequence[str], *, top: int, as_json: bool) -> None:
    """Classify image files, a line for each; what cannot be decoded is said at the end.

    Args:
        model: a `.keras` file, or the folder that `TrainResult.save` wrote.
        paths: of the images.
        top: how many classes to name.
        as_json: whether a line is JSON with all probabilities.

    Raises:
        InvalidImage: images that cannot be decoded, after all others are classified.
    """
    from cifarkit._errors import InvalidImage
    from cifarkit.prediction import Predictor

    predictor, broken = Predictor(model), list[str]()
    for path in paths:
        try:
            found = predictor(path)
        except InvalidImage as error:
            broken.append(str(error))
            continue
        ranked = ", ".join(f"{name} {share:.1%}" for name, share in found.top(top))
        line = json.dumps({"path": path, **found.to_dict()})
        print(line if as_json else f"{path}: {ranked}")
    if broken:
        raise InvalidImage("\n".join(broken))


def recipe(name: str | None, variant: str) -> None:
    """List the recipes, or print one.

    Args:
        name: of a recipe, or None for the list.
        variant: `"as_published"`, `"fixed"` or `"best"`.

    Raises:
        UnknownName: no recipe has that name, or not in that variant.
    """
    from cifarkit import recipes

    if name is not None:
        print(recipes.get(name, variant))  # type: ignore[arg-type]  # checked there
        return
    for each in recipes.names():
        variants = ", ".join(recipes.variants(each))
        print(f"{each:<26} {variants:<26} {recipes.get(each).claimed}")


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
    naming = commands.add_parser("predict", help="classify image files")
    naming.add_argument("model", metavar="MODEL", help=".keras file, or saved folder")
    naming.add_argument("paths", nargs="+", metavar="IMAGE")
    naming.add_argument("--top", type=int, default=3, help="how many classes to name")
    naming.add_argument("--json", action="store_true", help="all probabilities")
    naming.set_defaults(
        run=lambda options: predict(
            options.model, options.paths, top=options.top, as_json=options.json
        )
    )
    cooking = commands.add_parser("recipe", help="list the recipes, or print one")
    cooking.add_argument("name", nargs="?", metavar="NAME")
    cooking.add_argument("--variant", default="best", help="as_published, fixed, best")
    cooking.set_defaults(run=lambda options: recipe(options.name, options.variant))
    return parser
