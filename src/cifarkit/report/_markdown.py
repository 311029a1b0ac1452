"""Blocks as Markdown that GitHub, MkDocs and pandoc read alike."""

import re
from collections.abc import Iterable

from cifarkit.report._blocks import Block, Code, Heading, Picture, Points, Table, Text

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~$]|&(?=#?\w+;))")
_LEADING = re.compile(r"^(\d*)([#+.)-])(?=[ #]|$)")
"""What would make a heading or a list of a line."""


def markdown(blocks: Iterable[Block]) -> str:
    """Return the text of a Markdown file."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_plain(text)}"
        case Text(text):
            return _line(text)
        case Points(items):
            return "\n".join(f"- {_line(item)}" for item in items)
        case Table(head, rows):
            return "\n".join([_row(head), _rule(len(head)), *map(_row, rows)])
        case Picture(path, caption):
            return f"![{_plain(caption)}]({path})"
        case Code(text):
            return f"```python\n{text.strip()}\n```"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _rule(columns: int) -> str:
    return f"|---|{'---:|' * (columns - 1)}"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _line(text: str) -> str:
    """Return what begins a line; a cell of a table or a caption does not."""
    return _LEADING.sub(r"\1\\\2", _plain(text))
