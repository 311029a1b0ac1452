"""What a report is made of, before it is Markdown or HTML."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the report."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph of plain words."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of plain sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of plain words under a head; columns after the first stand to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A figure that lies beside the report.

    Args:
        path: relative to the report.
        caption: what it shows, for readers who do not see it too.
    """

    path: PurePosixPath
    caption: str


@dataclass(frozen=True)
class Code:
    """Lines of Python."""

    text: str


Block: TypeAlias = Heading | Text | Points | Table | Picture | Code
