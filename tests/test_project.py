"""What a project promises beside its code: licences, versions, old files."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from cifarkit import TrainResult, backbones
from cifarkit.cli._commands import NAMES

ROOT = Path(__file__).parent.parent
GOLDEN = sorted((ROOT / "tests" / "golden" / "results").glob("*/"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def version(*words):
    """Run the script that compares versions."""
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "version.py", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_places_have_one_version():
    """The package, the citation; a tag of another version is refused."""
    assert version().returncode == 0
    assert version("--is", "v99.0.0").returncode == 1


def test_every_download_has_its_licence_listed():
    """Each data set and each set of weights has a row in the table of licences."""
    table = (ROOT / "docs" / "sources.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    listed = {(row[1], row[2]): row[4] for row in rows if len(row) == 6}
    for name in NAMES:
        if name not in backbones.names():
            licences = [each for (_, key), each in listed.items() if f"`{name}`" in key]
            assert licences, name
            assert all(licences)
            continue
        spec = backbones.spec(name)
        for weights in spec.sets:
            licences = {
                each
                for (title, key), each in listed.items()
                if title == spec.title and f"`{weights.name}`" in key
            }
            assert licences == {weights.licence}, f"{spec.title}, {weights.name}"


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda path: path.name)
def test_results_of_earlier_releases_are_read(folder):
    """What a release saved gives the same probabilities today."""
    result = TrainResult.load(folder)
    with np.load(f"{folder}.npz") as kept:
        found = result.model.predict(kept["images"], verbose=0)
        np.testing.assert_allclose(found, kept["probabilities"], atol=1e-5)
    assert len(result.phases) == 2


def test_a_result_of_a_release_is_kept():
    """The test above is not empty."""
    assert GOLDEN


def test_hooks_run_what_the_ci_runs():
    """Each hook is a target of the Makefile, and `make check` has them all."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = {hook["entry"] for repo in config["repos"] for hook in repo["hooks"]}
    (check,) = re.findall(r"^check: (.*?) +##", (ROOT / "Makefile").read_text(), re.M)
    assert entries == {f"make {target}" for target in check.split()}
    assert "make check" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_judged_by_the_same_judge(path):
    """Every workflow runs .ci/run, and what it runs of ours is there."""
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    lines = [step.get("run", "") for job in jobs for step in job["steps"]]
    assert ".ci/run" in lines
    scripts = {word for line in lines for word in line.split() if "scripts/" in word}
    assert all((ROOT / script).exists() for script in scripts)
