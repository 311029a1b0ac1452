"""The rules of the house: floors, cycles, file sizes, functions."""

import ast
from pathlib import Path

import pytest

import cifarkit

HOUSE = Path(cifarkit.__file__).parent
FLOORS = (
    {"_errors", "errors", "_types", "_registry", "_extras", "_store", "_sources"}
    | {"_arrays", "_checkpoints", "_numbers", "_pickled", "_sealed", "_seeding"},
    {"images", "augment", "heads", "models", "metrics"},
    {"datasets", "backbones"},
    {"activations"},
    {"training"},
    {"evaluation", "prediction", "calibration"},
    {"recipes", "report", "_probe", "estimator", "doctoring"},
    {"viz", "exporting", "serving", "tracking", "cli"},
)
STAIRS = {("cli", "exporting"), ("cli", "serving"), ("cli", "tracking"), ("cli", "viz")}
STAIRS |= {("serving", "viz")}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
FACE = {"__init__", "__main__"}


def modules():
    """Return the source of every module by its dotted name below the package."""
    found = {}
    for path in HOUSE.rglob("*.py"):
        parts = path.relative_to(HOUSE).with_suffix("").parts
        found[".".join(parts)] = path.read_text(encoding="utf-8")
    return found


def imported(source):
    """Yield what a module imports of cifarkit, in functions too, as dotted names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("cifarkit.") and name != "cifarkit.__version__":
                yield name.removeprefix("cifarkit.")


def floor_of(room):
    """Return the number of the floor that a room is on."""
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"{room} stands on no floor")


def offences(house):
    """Return the imports that do not go down."""
    found = []
    for module, source in house.items():
        room = module.split(".")[0]
        for target in imported(source) if room not in FACE else ():
            other = target.split(".")[0]
            down = floor_of(other) < floor_of(room) or floor_of(room) == 0
            if other != room and not down and (room, other) not in STAIRS:
                found.append(f"{module} -> {target}")
    return found


def test_imports_go_down_the_floors():
    """No module imports from its own floor or from one above."""
    assert offences(modules()) == []


@pytest.mark.parametrize(
    "planted",
    [
        {"heads": "from cifarkit.evaluation import evaluate"},
        {"heads": "from cifarkit import models"},
        {"backbones._spec": "def f():\n    import cifarkit.datasets"},
        {"training._trainer": "from cifarkit.viz import curves"},
    ],
)
def test_a_planted_import_is_caught(planted):
    """Upward, sideways and hidden imports are each found."""
    assert len(offences(planted)) == 1


def test_no_import_cycle():
    """The modules can be put in an order in which each imports only earlier ones."""
    house = modules()
    edges = {
        name: {near for each in imported(source) if (near := _module(each, house))}
        for name, source in house.items()
        if name.split(".")[-1] not in FACE
    }
    while leaves := [name for name, targets in edges.items() if not targets]:
        for leaf in leaves:
            del edges[leaf]
        for targets in edges.values():
            targets.difference_update(leaves)
    assert edges == {}


def _module(target, house):
    """Return the module that an imported name lies in; facades pass names on."""
    while target and target not in house:
        target = target.rpartition(".")[0]
    return target


def test_files_are_short():
    """A file over 300 lines has lost its one purpose."""
    long = {n: len(s.splitlines()) for n, s in modules().items()}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_functions_are_short():
    """A function over 60 lines, its docstring aside, does more than one thing."""
    long = []
    for name, source in modules().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, FUNCTIONS):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                long += [f"{name}.{node.name}"] * (lines > 60)
    assert long == []


def test_every_public_thing_is_documented():
    """Modules, public classes and public functions all say what they are for."""
    silent = []
    for name, source in modules().items():
        tree = ast.parse(source)
        kinds = (*FUNCTIONS, ast.ClassDef)
        public = [n for n in tree.body if isinstance(n, kinds) and n.name[0] != "_"]
        silent += [f"{name}.{n.name}" for n in public if not ast.get_docstring(n)]
        silent += [name] * (not ast.get_docstring(tree))
    assert silent == []
