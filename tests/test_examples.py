"""The examples, in their short form: each ends well, says something, and is short."""

import ast
import importlib
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from cifarkit import recipes

EXAMPLES = Path(__file__).parent.parent / "examples"
ALL = sorted(EXAMPLES.glob("*.py"))
SHORT = [path for path in ALL if "--smoke" in path.read_text()]
NOTEBOOK = EXAMPLES / "cifarkit.ipynb"
ALONE = {"several_devices", "stop_and_go_on"}  # these settle what a whole process does


@pytest.mark.real
@pytest.mark.usefixtures("uncompiled")
@pytest.mark.filterwarnings("default")  # plain Keras is shown, too
@pytest.mark.parametrize(
    "path",
    [path for path in SHORT if path.stem not in ALONE],
    ids=lambda path: path.stem,
)
def test_the_short_form_ends_well(path, tmp_path, monkeypatch, capsys):
    """In a folder of its own, on made-up images; in one process, and not compiled.

    By themselves and compiled they are started by `scripts/newcomer/real_examples.py`,
    and the main job by `.ci/run`.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), "--smoke"])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(ALONE))
def test_the_short_form_ends_well_in_a_process_of_its_own(name, tmp_path):
    """In a folder of its own, on made-up images."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", "--smoke"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_how_to_run_it(path):
    """At most 120 lines; the first words say what it is for, and how to start it."""
    text = path.read_text()
    assert len(text.splitlines()) <= 120
    assert f"python examples/{path.name}" in ast.get_docstring(ast.parse(text))


def test_all_examples_but_the_runner_of_recipes_have_a_short_form():
    """Recipes are shortened by --epochs and --limit."""
    assert {path.stem for path in ALL} - {path.stem for path in SHORT} == {"run_recipe"}


@pytest.fixture
def run_recipe(monkeypatch):
    """Run the runner of recipes with some words, in this process."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runner = importlib.import_module("run_recipe")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["examples/run_recipe.py", *map(str, words)])
        runner.main()

    return run


def test_the_runner_lists_all_recipes(run_recipe, capsys):
    """Each with its variants and its claim."""
    run_recipe("--list")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(recipes.names())
    assert all(
        line.split()[1] in ("S0", "S1", "S2", "S3", "S4", "ours") for line in lines
    )


@pytest.mark.real
def test_the_runner_runs_a_short_recipe(run_recipe, capsys, tmp_path):
    """On real images, few of each split; the result is kept."""
    short = "--recipe", "s2-m1", "--epochs", 1, "--limit", 40
    run_recipe(*short, "--out", tmp_path / "out")
    assert "measured:" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert record["provenance"]["n_train"] == 40


@pytest.mark.real
def test_a_row_that_was_stopped_goes_on(run_recipe, monkeypatch, tmp_path):
    """By the same command; what was trained is not trained again, nor kept after it."""
    monkeypatch.chdir(tmp_path)
    short, asked = recipes.get("s2-m1").limited(epochs=1, images=40), ["--recipe"]
    monkeypatch.setattr(recipes, "get", lambda *_: short)
    asked += ["s2-m1", "--ledger", tmp_path / "rows"]
    with monkeypatch.context() as patch:
        patch.setattr("cifarkit.recipes._recipe.evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_recipe(*asked)
    assert not (tmp_path / "rows").exists()
    monkeypatch.setattr("cifarkit.training._running.run", interrupted)
    run_recipe(*asked)
    assert (tmp_path / "rows" / "s2-m1.best.json").exists()
    assert list((tmp_path / "runs").iterdir()) == []


def interrupted(*_, **__):
    """Stop, as Ctrl-C does."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("change", [("--epochs", 1), ("--limit", 9), ("--seed", 1)])
def test_a_row_of_the_ledger_is_a_whole_run(run_recipe, capsys, tmp_path, change):
    """What is changed would pass for the recipe itself."""
    with pytest.raises(SystemExit):
        run_recipe("--recipe", "s3-mobilenetv2", *change, "--ledger", tmp_path)
    assert "a whole run" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_lists_are_complete():
    """Both lists of examples name all there are."""
    for page in (EXAMPLES / "README.md", EXAMPLES.parent / "docs" / "examples.md"):
        named = set(re.findall(r"`(?:examples/)?(\w+)\.py`", page.read_text()))
        assert {path.stem for path in ALL} <= named


@pytest.mark.real
def test_the_notebook_runs(tmp_path, monkeypatch):
    """Cell by cell, in a kernel of its own; its installation cell is passed over."""
    monkeypatch.setenv("SMOKE", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [
        cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"
    ]
    assert "accuracy" in json.dumps(outputs)


def test_the_notebook_is_kept_without_outputs():
    """What a run left in it would be shown as if it were this version's."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    assert all(
        not cell["outputs"] and cell["execution_count"] is None for cell in cells
    )
