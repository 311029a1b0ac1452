"""Blocks as one HTML file that needs no other: pictures are inside."""

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from pathlib import Path

from cifarkit.report._blocks import Block, Code, Heading, Picture, Points, Table, Text

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 0.9rem; display: block;
  overflow-x: auto; }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1.2rem 0; } figcaption { font-size: 0.85rem; opacity: 0.75; }
img { max-width: 100%; background: white; }
pre { padding: 0.8rem; overflow-x: auto; background: #8882; font-size: 0.85rem; }
"""


def html(blocks: Iterable[Block], folder: Path) -> str:
    """Return the text of an HTML file.

    Args:
        blocks: the report.
        folder: where its pictures are.
    """
    known = list(blocks)
    title = next((b.text for b in known if isinstance(b, Heading)), "Report")
    body = "\n".join(_block(block, folder) for block in known)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block, folder: Path) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Text(text):
            return f"<p>{escape(text)}</p>"
        case Points(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        case Table(head, rows):
            lines = [_row(head, "th"), *(_row(row, "td") for row in rows)]
            return f"<table>{''.join(lines)}</table>"
        case Picture(path, caption):
            data = b64encode((folder / path).read_bytes()).decode()
            words = escape(caption)
            return (
                f'<figure><img src="data:image/png;base64,{data}" alt="{words}">'
                f"<figcaption>{words}</figcaption></figure>"
            )
        case Code(text):
            return f"<pre><code>{escape(text.strip())}</code></pre>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
