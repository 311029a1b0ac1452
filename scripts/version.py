"""The version, in every place that names it.

python scripts/version.py              prints it, if all places agree
python scripts/version.py --is v0.1.0  fails on another tag, or none in the changelog
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    """Compare the places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--is", dest="tag", help="a tag, such as v0.1.0")
    tag = parser.parse_args().tag
    code = found(ROOT / "src" / "cifarkit" / "__init__.py", r'__version__ = "(.+)"')
    citation = found(ROOT / "CITATION.cff", r"\nversion: (.+)")
    if citation != code:
        sys.exit(f"CITATION.cff has version {citation}, the package {code}.")
    if tag and tag != f"v{code}":
        sys.exit(f"The tag is {tag}, the package {code}.")
    if tag and f"## [{code}]" not in (ROOT / "CHANGELOG.md").read_text():
        sys.exit(f"CHANGELOG.md has no section for {code}.")
    print(code)


def found(path, pattern):
    """Return what a pattern finds in a file."""
    return re.search(pattern, path.read_text())[1]


if __name__ == "__main__":
    main()
