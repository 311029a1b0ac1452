"""Calls that can run what a file says, or leave a process open: none in the source."""

import ast
from pathlib import Path

import pytest

import cifarkit

HOUSE = Path(cifarkit.__file__).parent

CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *("pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "joblib.load"),
    *("torch.load", "yaml.load", "tempfile.mktemp", "urllib.request.urlretrieve"),
    *("keras.utils.get_file", "keras.config.enable_unsafe_deserialization"),
    *("shutil.unpack_archive", "np.load", "numpy.load"),
    *("archive.extract", "tar.extract", "zip.extract"),
}
"""Never called, by these names."""

METHODS = {"extractall"}
"""Never called of anything."""

ARGUMENTS = {
    ("shell", True),
    ("allow_pickle", True),
    ("safe_mode", False),
    ("verify", False),
    ("debug", True),
    ("share", True),
    ("follow_symlinks", True),
}
"""Never given."""

NAMES = {"LOAD_TRUNCATED_IMAGES", "_create_unverified_context", "CERT_NONE"}
"""Never mentioned."""

ALLOWED = {"datasets/_pickles.py", "backbones/_torch_pickle.py"}
"""Who may make an unpickler: each admits a fixed list of names and stand-ins."""


def offences(source, file=""):
    """Yield what a source does that it may not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {
                (each.arg, each.value.value)
                for each in node.keywords
                if isinstance(each.value, ast.Constant)
            }
            if name in CALLS or name.rpartition(".")[2] in METHODS or given & ARGUMENTS:
                yield f"{file}:{node.lineno} {name}"
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            yield f"{file}:{node.lineno} {node.attr}"
        unpickler = isinstance(node, ast.Attribute) and node.attr == "Unpickler"
        if unpickler and file not in ALLOWED:
            yield f"{file}:{node.lineno} Unpickler"
        if isinstance(node, ast.ImportFrom) and node.module == "pickle":
            yield f"{file}:{node.lineno} from pickle import"


def test_the_source_calls_nothing_that_runs_a_file():
    """Every module of the package."""
    found = [
        each
        for path in sorted(HOUSE.rglob("*.py"))
        for each in offences(
            path.read_text(encoding="utf-8"), path.relative_to(HOUSE).as_posix()
        )
    ]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle\npickle.load(file)",
        "import pickle\nclass A(pickle.Unpickler): pass",
        "from pickle import loads",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "archive.extractall(folder)",
        "np.load(path)",
        "keras.models.load_model(path, safe_mode=False)",
        "ImageFile.LOAD_TRUNCATED_IMAGES = True",
        "app.run(debug=True)",
    ],
)
def test_a_planted_one_is_found(planted):
    """So that the list is no decoration."""
    assert list(offences(planted))
