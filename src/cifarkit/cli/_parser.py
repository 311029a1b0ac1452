"""The words of the command line."""

import argparse
from collections.abc import Callable
from typing import Any

from cifarkit import __version__
from cifarkit.cli import _commands as run

_SAVED = ".keras file, or saved folder"


def parser() -> argparse.ArgumentParser:
    """Return what turns words into a function, `run`, and its arguments."""
    found = argparse.ArgumentParser(prog="cifarkit")
    found.add_argument("--version", action="version", version=__version__)
    commands = found.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable[..., None], text: str) -> argparse.ArgumentParser:
        words = commands.add_parser(function.__name__, help=text)
        words.set_defaults(run=function)
        return words

    words = command(run.fetch, "fill the store with data sets and weights")
    known = f"one of {', '.join(run.NAMES)}"
    words.add_argument("names", nargs="+", metavar="NAME", help=known)
    words = command(run.cache, "list or delete kept activations")
    _option(words, "keep", None, "delete the oldest beyond so many GiB", type=float)
    words = command(run.predict, "classify image files")
    words.add_argument("model", metavar="MODEL", help=f"{_SAVED}, or exported file")
    words.add_argument("paths", nargs="+", metavar="IMAGE")
    _option(words, "top", 3, "how many classes to name", type=int)
    words.add_argument("--json", action="store_true", help="all probabilities")
    words = command(run.export, "write a model in other formats")
    words.add_argument("model", metavar="MODEL", help=_SAVED)
    _option(words, "to", ["onnx"], "formats to write", nargs="+", metavar="FORMAT")
    _option(words, "out", "exported", "folder to write into")
    words = command(run.serve, "answer over HTTP")
    words.add_argument("model", metavar="MODEL", help=f"{_SAVED}, or exported file")
    _option(words, "host", "127.0.0.1", "address to listen at")
    _option(words, "port", 8000, "port to listen at", type=int)
    words = command(run.recipe, "list the recipes, or print one")
    words.add_argument("name", nargs="?", metavar="NAME")
    _option(words, "variant", None, "as_published, fixed or best (by default best)")
    return found


def _option(
    words: argparse.ArgumentParser, name: str, default: Any, text: str, **more: Any
) -> None:
    words.add_argument(f"--{name}", default=default, help=text, **more)
