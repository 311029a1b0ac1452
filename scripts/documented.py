"""Whether the built site has every public name: python scripts/documented.py."""

import importlib
import pkgutil
import sys
import zlib
from pathlib import Path

import cifarkit

INVENTORY = Path(__file__).resolve().parent.parent / "site" / "objects.inv"


def main():
    """Compare what the rooms list as public with the inventory of the site."""
    content = INVENTORY.read_bytes()
    packed = content.split(b"\n", 4)[4]
    shown = {line.split()[0] for line in zlib.decompress(packed).decode().splitlines()}
    missing = sorted(name for name in public() if name not in shown)
    if missing:
        sys.exit(f"The API pages lack {', '.join(missing)}: add them to docs/api.")


def public():
    """Yield the full name of everything that a public room lists."""
    for room in pkgutil.iter_modules(cifarkit.__path__, "cifarkit."):
        if not room.name.split(".")[1].startswith("_") and room.name != "cifarkit.cli":
            for name in importlib.import_module(room.name).__all__:
                yield f"{room.name}.{name}"


if __name__ == "__main__":
    main()
