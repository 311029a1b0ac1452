"""Whether the built site is whole: python scripts/documented.py.

Every public name stands in it, and every link within it leads somewhere: what
`exclude_docs` leaves out, MkDocs passes over in silence.
"""

import importlib
import pkgutil
import re
import sys
import zlib
from pathlib import Path

import cifarkit

SITE = Path(__file__).resolve().parent.parent / "site"
LINK = re.compile(r'href="([^":#?]+)["#?]')
"""A link to another page or file of the site."""


def main():
    """Name what is missing, if anything is."""
    if missing := sorted(unlisted()):
        sys.exit(f"The API pages lack {', '.join(missing)}: add them to docs/api.")
    if dead := sorted(astray()):
        sys.exit(f"The site lacks {', '.join(dead)}, to which a page of it leads.")


def unlisted():
    """Return what the rooms list as public and the inventory of the site has not."""
    content = (SITE / "objects.inv").read_bytes()
    packed = content.split(b"\n", 4)[4]
    shown = {line.split()[0] for line in zlib.decompress(packed).decode().splitlines()}
    return {name for name in public() if name not in shown}


def public():
    """Yield the full name of everything that a public room lists."""
    for room in pkgutil.iter_modules(cifarkit.__path__, "cifarkit."):
        if not room.name.split(".")[1].startswith("_") and room.name != "cifarkit.cli":
            for name in importlib.import_module(room.name).__all__:
                yield f"{room.name}.{name}"


def astray():
    """Return the files that a page links to and that are not there."""
    pages = (path for path in SITE.rglob("*.html") if path.name != "404.html")
    found = {
        (page.parent / link).resolve()
        for page in pages
        for link in LINK.findall(page.read_text(encoding="utf-8"))
    }
    return {
        str(path.relative_to(SITE))
        for path in found
        if not (path / "index.html" if path.is_dir() else path).exists()
    }


if __name__ == "__main__":
    main()
