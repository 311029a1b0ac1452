"""The documentation: every block of Python runs, every command line is understood."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from sybil.document import Document
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

import small_world
from cifarkit.cli._parser import parser

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
WITH_PYTHON = [page for page in PAGES if "```python" in page.read_text()]
PLACES = r"`((?:docs|examples|scripts|src|tests|\.ci)/[\w./-]*\w/?)`"
EXTRAS = r"cifarkit\[([\w,]+)\]"


@pytest.fixture(scope="module")
def learned():
    """Return a trainer and its result, trained once for all pages."""
    return small_world.learned()


@pytest.fixture
def steps(page, request):
    """Let steps run as Python, but for the traps: they show what compiled ones keep."""
    if page.stem != "traps":
        request.getfixturevalue("uncompiled")


@pytest.mark.real
@pytest.mark.usefixtures("steps")
@pytest.mark.filterwarnings("default")  # plain Keras is shown, too
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.stem)
def test_every_block_runs(page, learned, tmp_path, monkeypatch):
    """From top to bottom, in one namespace, as a reader would type them."""
    small_world.furnish(tmp_path, learned[1])
    small_world.shrink(monkeypatch, tmp_path)
    document = Document.parse(str(page), PythonCodeBlockParser(), SkipParser())
    document.namespace.update(small_world.names(tmp_path, *learned))
    ran = [example.evaluate() for example in document]
    assert ran


def commands(page):
    """Return the command lines of a page, without comments."""
    for _, region in Document.parse(str(page), CodeBlockParser("sh")).regions:
        for line in region.parsed.splitlines():
            for part in re.split(r"\s&&\s", line):
                words = shlex.split(part, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=\S+", words[0]):
                    words = words[1:]
                if words:
                    yield words


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.stem)
def test_every_command_line_is_understood(page):
    """Commands of cifarkit parse; scripts are there and know the options given."""
    for program, *words in commands(page):
        if program == "cifarkit":
            parser().parse_args(words)
        if program == "python" and words[0].endswith(".py"):
            script = ROOT / words[0]
            known = script.read_text()
            options = [word for word in words if word.startswith("--")]
            assert [word for word in options if f'"{word}"' not in known] == []


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.stem)
def test_every_place_is_there(page):
    """Files of the project that a text names exist, as do the extras."""
    text = page.read_text()
    missing = [
        place for place in re.findall(PLACES, text) if not (ROOT / place).exists()
    ]
    assert missing == []
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = set(known["project"]["optional-dependencies"])
    named = {each for found in re.findall(EXTRAS, text) for each in found.split(",")}
    assert named <= extras


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.stem)
def test_every_link_within_the_project_leads_somewhere(page):
    """Relative links outside of the site's pages, which mkdocs does not look at."""
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_a_wrong_command_line_would_be_noticed(tmp_path):
    """An option that is not there fails, as does a file that is not."""
    page = tmp_path / "page.md"
    page.write_text("```sh\npython examples/quickstart.py --slow\n```\n")
    with pytest.raises(AssertionError):
        test_every_command_line_is_understood(page)
    page.write_text("```sh\ncifarkit servve model\n```\n")
    with pytest.raises(SystemExit):
        test_every_command_line_is_understood(page)
    page.write_text("see `docs/nowhere.md`")
    with pytest.raises(AssertionError):
        test_every_place_is_there(page)
