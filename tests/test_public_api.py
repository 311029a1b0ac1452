"""The public surface, and what importing it costs."""

import importlib
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

import cifarkit

HEAVY = ("keras", "tensorflow", "jax", "numpy", "sklearn", "PIL", "matplotlib")
ROOMS = (
    *("activations", "augment", "backbones", "calibration", "datasets", "doctoring"),
    *("estimator", "evaluation", "heads", "metrics", "models", "prediction"),
    *("recipes", "report", "tracking", "viz"),
)


def fresh(code):
    """Run code in a fresh process and return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def imported(module):
    """Return how long an import takes in a fresh process, and what heavy it loads."""
    seconds, found = fresh(f"""
import json, sys, time
before = set(sys.modules)
start = time.perf_counter()
import {module}
seconds = time.perf_counter() - start
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
""")
    return seconds, {name.split(".")[0] for name in found} & set(HEAVY)


@pytest.mark.alone
def test_import_is_light():
    """`import cifarkit` loads no heavy package and takes under 50 ms."""
    runs = [imported("cifarkit") for _ in range(3)]
    assert runs[0][1] == set()
    assert min(seconds for seconds, _ in runs) < 0.05


def test_a_heavy_import_would_be_seen():
    """The rooms are heavy, which is why they are imported late."""
    assert {"keras", "numpy"} <= imported("cifarkit.heads")[1]


def test_import_has_no_side_effect():
    """Importing and reading every name changes no setting of the user's process."""
    code = """
import json, logging, os, random
import keras, numpy, tensorflow
def state():
    return [
        dict(os.environ),
        hash(random.getstate()),
        numpy.random.get_state()[1].tolist(),
        keras.config.dtype_policy().name,
        logging.root.level,
        [str(each) for each in logging.root.handlers],
    ]
before = state()
import cifarkit
for name in cifarkit.__all__:
    getattr(cifarkit, name)
print(json.dumps([one == other for one, other in zip(before, state())]))
"""
    assert fresh(code) == [True] * 6


def test_every_name_is_reached():
    """Each name of the root is there, and `dir` lists just these."""
    assert all(getattr(cifarkit, name) is not None for name in cifarkit.__all__)
    assert dir(cifarkit) == sorted(cifarkit.__all__)
    assert len(cifarkit.__all__) <= 16


def test_an_unknown_name_is_an_attribute_error():
    """A typo fails as it does in every Python module."""
    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        _ = cifarkit.evaluat


@pytest.mark.parametrize("name", [*ROOMS, "training"])
def test_all_is_what_is_public(name):
    """`__all__` of a room and its public names are the same set."""
    room = importlib.import_module(f"cifarkit.{name}")
    facade = hasattr(room, "__path__")
    public = {
        each
        for each, value in vars(room).items()
        if each[0] != "_"
        and not isinstance(value, types.ModuleType)
        and (facade or getattr(value, "__module__", None) == room.__name__)
    }
    assert set(room.__all__) - {"Pooling"} == public - {"Pooling"}


@pytest.mark.parametrize("name", [*ROOMS, "training"])
def test_no_module_shares_its_name_with_a_public_function(name):
    """`room.name` must not change its meaning after a first import."""
    room = importlib.import_module(f"cifarkit.{name}")
    files = {path.stem for path in Path(room.__file__).parent.glob("*.py")}
    assert not hasattr(room, "__path__") or files & set(room.__all__) == set()


def test_lazy_names_are_the_real_ones():
    """A class reached through the facade is the one in its module."""
    from cifarkit.training import TwoPhaseTrainer

    assert cifarkit.TwoPhaseTrainer is TwoPhaseTrainer
    assert cifarkit.evaluate is cifarkit.evaluate
