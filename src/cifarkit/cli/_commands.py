"""What each command does."""

import os
import time
from collections.abc import Sequence
from json import dumps
from typing import Any

from cifarkit._errors import InvalidArgument, InvalidImage
from cifarkit._registry import require_known

NAMES = (
    *("cifar10", "cifar100", "mobilenetv2", "resnet50", "vgg16"),
    *("efficientnetb0", "densenet121", "efficientnetlite0"),
)
"""What `fetch` knows; written out, so that `--help` need not load Keras."""


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
        kind, listing = "data set or backbone", "cifarkit fetch --help"
        require_known(kind, name, NAMES, listing)
    sets = {"cifar10": datasets.cifar10, "cifar100": datasets.cifar100}
    for name in names:
        if name in sets:
            source = sets[name]().source
        else:
            backbone = backbones.get(name)
            backbone.build(backbone.spec.recommended)
            source = backbone.provenance()["source"]
        print(f"{name}: here, from {source}")


def predict(model: str, paths: Sequence[str], *, top: int, json: bool) -> None:
    """Classify image files, a line for each; what cannot be decoded is said at the end.

    Args:
        model: a `.keras` or exported file, or the folder that `TrainResult.save` wrote.
        paths: of the images.
        top: how many classes to name.
        json: whether a line is JSON with all probabilities.

    Raises:
        InvalidImage: images that cannot be decoded, after all others are classified.
    """
    from cifarkit.prediction import Predictor

    predictor, broken = Predictor(model), list[str]()
    for path in paths:
        try:
            found = predictor(path)
        except InvalidImage as error:
            broken.append(str(error))
            continue
        ranked = ", ".join(f"{name} {share:.1%}" for name, share in found.top(top))
        line = dumps({"path": path, **found.to_dict()})
        shown = os.fsencode(path).decode(errors="replace")  # of any bytes
        print(line if json else f"{shown}: {ranked}")
    if broken:
        raise InvalidImage("\n".join(broken))


def recipe(name: str | None, *, variant: str | None) -> None:
    """List the recipes, or print one.

    Args:
        name: of a recipe, or None for the list.
        variant: `"as_published"`, `"fixed"` or `"best"`; None for the best.

    Raises:
        InvalidArgument: a variant without a recipe.
        UnknownName: no recipe has that name, or not in that variant.
    """
    from cifarkit import recipes

    if name is not None:
        kind: Any = variant or "best"  # checked there
        print(recipes.get(name, kind))
        return
    if variant is not None:
        raise InvalidArgument(
            f"Expected NAME before --variant {variant}; received none. Leave --variant "
            "out for the list."
        )
    for each in recipes.names():
        variants = ", ".join(recipes.variants(each))
        print(f"{each:<26} {variants:<26} {recipes.get(each).claimed}")


def export(model: str, *, to: Sequence[str], out: str) -> None:
    """Write a model in other formats, verified, and say how far each is off.

    Args:
        model: the folder that `TrainResult.save` wrote, or a `.keras` file.
        to: formats, of `cifarkit.exporting.FORMATS`.
        out: the folder in which the files are put.

    Raises:
        CorruptFile: `model` cannot be read.
        ExportError: a format cannot hold the model, or gives other answers.
        InvalidArgument: a format is unknown, or the folder holds other files.
    """
    from cifarkit import exporting

    found = exporting.export(model, out, to)
    for name, path in found.paths.items():
        print(f"{path}: probabilities differ by {found.differences[name]:.1e} at most")


def serve(model: str, *, host: str, port: int) -> None:
    """Answer over HTTP until told to stop; who is being answered then gets the answer.

    Args:
        model: whatever `Predictor` takes a path of.
        host: the address to listen at.
        port: likewise; 0 takes a free one.

    Raises:
        CorruptFile: `model` cannot be read.
        MissingExtra: the packages are not installed.
    """
    from cifarkit import serving

    serving.run(serving.fastapi_app(model), host=host, port=port)
