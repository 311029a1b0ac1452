"""The benchmarks: tiny runs give every figure, and figures mean what they say."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS, RESULTS = ROOT / "examples" / "benchmarks", ROOT / "docs" / "results"
TINY = ("--quick", "--images", "128", "--size", "64")
COMMON = {
    "command": str,
    "seed": int,
    "machine": str,
    "device": str,
    "versions": dict,
    "when": str,
}
TIMES = {"live_epoch_s": float, "cached_epoch_s": float, "loss_difference": float}
SIDES = ("plain", "cifarkit")
TWO_PHASE = {
    **COMMON,
    "phase_1": {
        **TIMES,
        "live_10_epochs_s": float,
        "by_hand_10_epochs_s": float,
        "cached_10_epochs_with_extraction_s": float,
    },
    "phase_2": {"last_50": TIMES, "last_20": TIMES},
    "time_to_90_24": {
        f"{name}_s": float for name in ("published", "tuned", "cifarkit")
    },
    "final_accuracy": dict.fromkeys(SIDES, float),
    "peak_rss_bytes": dict.fromkeys(SIDES, int),
    "ratios": dict,
    "evidence": {"plain": dict, "cifarkit": dict, "definitions": dict},
}
ENGINE = {"images_per_s": float, "share_of_peak": float, "largest_difference": float}
EXTRACTION = {
    **COMMON,
    "engines": {"keras_predict": ENGINE, "tensorflow": ENGINE},
    "peak_float32": {"operations_per_s": float, "images_per_s": float},
    "operations_per_image": int,
    "ratios": dict,
}


@pytest.fixture
def room(monkeypatch):
    """Return what imports a module of the benchmarks by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def measured(script, path, *options):
    """Return the figures of a run, and what it printed."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, "--json", path, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text()), done.stdout


def misfits(figures, wanted, at=""):
    """Return the keys that are missing, of another type, or no sensible number."""
    if isinstance(wanted, dict):
        if not isinstance(figures, dict):
            return [at]
        return [
            name
            for key, kind in wanted.items()
            for name in misfits(figures.get(key), kind, f"{at}.{key}")
        ]
    fits = isinstance(figures, wanted)
    if isinstance(figures, float | int):
        fits = fits and 0 <= figures < float("inf")
    return [] if fits else [at]


def epochs(*spans, phase=1, **figures):
    """Return epochs as a clock notes them."""
    return [
        {"phase": phase, "train_s": span, "whole_s": span + 1.0, **figures}
        for span in spans
    ]


@pytest.mark.real
def test_the_two_phase_benchmark_gives_all_figures(tmp_path):
    """The same weights learn, and the loss is that of live training.

    Of plain Keras' parts one runs, and the others are those of the release.
    """
    path, parts = tmp_path / "two_phase.json", tmp_path / "parts"
    parts.mkdir()
    release = json.loads((RESULTS / "two_phase_quick.json").read_text())
    for name, told in release["evidence"]["plain"].items():
        if name != "features":
            (parts / f"plain.{name}.json").write_text(json.dumps(told))
    options = (*TINY, "--test", "64", "--target", "0.01", "--parts", str(parts))
    figures, shown = measured("two_phase.py", path, *options)
    assert misfits(figures, TWO_PHASE) == []
    for phase in (figures["phase_1"], *figures["phase_2"].values()):
        assert phase["loss_difference"] < 1e-3
    assert None not in figures["ratios"].values()
    assert figures["n_train"] == 128
    assert "test accuracy" in shown
    assert {each.name for each in tmp_path.iterdir()} == {path.name, parts.name}


def test_parts_are_measured_once(room, tmp_path, monkeypatch):
    """What a folder holds is not measured again; what is missing is."""
    turns, started = room("turns"), []
    monkeypatch.setattr(
        turns.subprocess, "run", lambda line, check: started.append(line[3:])
    )
    (tmp_path / "plain.tuned.json").touch()
    turns.run(tmp_path, "plain", "published", "tuned")
    turns.run(tmp_path, "plain", "tuned")
    assert started == [["published"]]


def test_parts_of_another_job_are_refused(room, tmp_path, monkeypatch):
    """A folder goes on with the settings and the machine that it was begun with."""
    two_phase = room("two_phase")
    monkeypatch.setattr(two_phase, "run", lambda *parts: None)
    two_phase.begin(tmp_path, {"size": 96})
    two_phase.begin(tmp_path, {"size": 96})
    with pytest.raises(SystemExit, match="same job"):
        two_phase.begin(tmp_path, {"size": 160})
    here = two_phase.surroundings()
    monkeypatch.setattr(two_phase, "surroundings", lambda: {**here, "machine": "x"})
    with pytest.raises(SystemExit, match="same machine"):
        two_phase.begin(tmp_path, {"size": 96})


@pytest.mark.real
def test_the_extraction_benchmark_gives_all_figures(tmp_path):
    """Every engine has a speed, and float32 computes what Keras computes."""
    path = tmp_path / "extraction.json"
    options = (*TINY, "--rounds", "2", "--matrix", "512")
    figures, shown = measured("extraction.py", path, *options)
    assert misfits(figures, EXTRACTION) == []
    exact = figures["engines"].keys() - {"openvino_bfloat16"}
    differences = {
        name: figures["engines"][name]["largest_difference"] for name in exact
    }
    assert max(differences.values()) < 1e-4
    assert differences["tensorflow"] > 0  # it is another computation, and compared
    assert all(len(each["rounds"]) == 2 for each in figures["engines"].values())
    assert "images/s" in shown


def test_a_missing_figure_is_seen():
    """A key that is not there, or not a number, is named with its path."""
    assert misfits({"a": {"b": 1.0}}, {"a": {"b": float, "c": float}}) == [".a.c"]
    assert misfits({"a": float("nan")}, {"a": float}) == [".a"]
    assert misfits({"a": None}, {"a": {"b": float}}) == [".a"]


def test_an_epoch_is_the_median_after_the_first(room):
    """The first epoch compiles; a part that was warm before has no such epoch."""
    seconds = room("measuring").epoch_seconds
    part = {"epochs": epochs(9.0, 2.0, 4.0) + epochs(100.0, phase=2)}
    assert seconds(part) == 3.0
    assert seconds(part, "whole_s") == 4.0
    assert seconds({**part, "warm": True}) == 4.0
    assert seconds({"epochs": epochs(9.0)}) == 9.0


def test_ten_epochs_count_the_missing_ones_as_the_median(room):
    """Three epochs in 20 seconds, each after the first of 3, make 41."""
    part = {"phase_1_s": 20.0, "epochs": epochs(9.0, 2.0, 2.0)}
    assert room("figures").ten_epochs(part) == 20.0 + 7 * 3.0
    assert part["ten_epochs"] == "3 measured, 7 as the median"


def test_the_time_is_that_of_the_first_epoch_at_the_target(room):
    """Not the best, not the last; None where none came so far."""
    noted = [
        {"at_s": 5.0, "loss": 1.0},
        {"at_s": 10.0, "val_accuracy": 0.5},
        {"at_s": 20.0, "val_accuracy": 0.7},
        {"at_s": 30.0, "val_accuracy": 0.6},
    ]
    time_to = room("measuring").time_to
    assert time_to(0.6, {"epochs": noted}) == 20.0
    assert time_to(0.9, {"epochs": noted}) is None
    assert room("measuring").ratio(None, 2.0) is None


def test_what_lies_in_another_span_counts_once(room):
    """JAX tells of a step's tracing, and of that of its parts besides."""
    union = room("compiling").union
    assert union([(0.0, 2.0), (1.0, 3.0), (1.5, 1.75), (5.0, 6.0)]) == 4.0
    assert union([]) == 0.0


def test_a_side_that_has_not_been_is_no_figure(room):
    """Where time ended before plain Keras was done, its figures are null."""
    on_gpu = room("on_gpu")
    epoch = {"at_s": 9.0, "compiling_s": 4.0, "val_accuracy": 0.96}
    ours = {"seconds": 9.5, "epochs": [epoch], "test_accuracy": 0.9, "device": "gpu:0"}
    parts = {"cifarkit.prepare": {"surroundings": {}}, "cifarkit.default": ours}
    figures = on_gpu.figures_of(parts, {"target": 0.95})
    assert set(figures["plain"].values()) == {None} == set(figures["ratios"].values())
    assert figures["cifarkit"] == {
        **{"seconds": 9.5, "compiling_s": 4.0, "training_s": 5.5},
        **{"to_target_s": 5.0, "test_accuracy": 0.9},
    }


def test_sides_that_train_other_layers_are_not_compared(room):
    """A difference in what learns stops the benchmark."""
    live = {"trainable_parameters": 10, "epochs": epochs(6.0, 6.0)}
    cached = {**live, "epochs": epochs(3.0, 3.0), "loss_difference": 0.0}
    assert room("figures").phase_2(live, cached)["live_epoch_s"] == 6.0
    with pytest.raises(SystemExit, match="same layers"):
        room("figures").phase_2(live, {**cached, "trainable_parameters": 11})


def test_who_missed_the_target_is_said(room):
    """A time that is null stands as a dash in the table, and in words below it."""
    figures = {
        "target": 0.9024,
        "phase_1": {
            **dict.fromkeys(TWO_PHASE["phase_1"], 1.0),
        },
        "phase_2": {},
        "time_to_90_24": {"published_s": None, "tuned_s": 30.0, "cifarkit_s": 20.0},
        "final_accuracy": dict.fromkeys(SIDES, 0.9),
        "peak_rss_bytes": dict.fromkeys(SIDES, 2**30),
    }
    figures["ratios"] = room("figures").ratios(figures)
    lines = room("table").table(figures).splitlines()
    assert lines[-1] == "published: 90.24% on validation was not reached."
    assert [line.split()[-2:] for line in lines if "tuned" in line] == [["1.5", "x"]]
    assert sum("not reached" in line for line in lines) == 1


def test_the_clock_leaves_validation_out(room):
    """Training and validation of an epoch are told apart, phases are counted."""
    clock = room("clock").Clock(started=0.0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    inputs, targets = np.zeros((64, 4), np.float32), np.zeros((64, 1), np.float32)
    for validation in ((inputs, targets), None):
        model.fit(
            inputs, targets, epochs=2, validation_data=validation, callbacks=[clock]
        )
    assert [each["phase"] for each in clock.epochs] == [1, 1, 2, 2]
    assert all(each["train_s"] < each["whole_s"] for each in clock.epochs[:2])
    assert all(each["train_s"] == each["whole_s"] for each in clock.epochs[2:])
    assert clock.parameters == 5


def test_the_first_steps_have_their_own_mean(room):
    """The loss is the mean of those steps, and a training can end with them."""
    steps = room("clock").FirstSteps(2, stop=True)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    model.set_weights([np.ones((1, 1), np.float32)])
    inputs = np.array([[1.0], [2.0], [5.0]], np.float32)
    history = model.fit(
        inputs, 0 * inputs, batch_size=1, shuffle=False, callbacks=[steps]
    ).history
    assert steps.loss == pytest.approx((1 + 4) / 2)
    assert history["loss"] == [pytest.approx((1 + 4) / 2)]


def test_the_operations_of_a_network_are_two_for_each_product(room):
    """Counted by hand: a convolution, a depthwise one of stride 2, a dense layer."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, padding="same", groups=1),
            keras.layers.DepthwiseConv2D(3, strides=2, padding="same"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10),
        ]
    )
    products = 8 * 8 * 4 * 27 + 4 * 4 * 4 * 9 + 4 * 10
    assert room("roofline").operations(model) == 2 * products


def test_figures_replace_older_ones_whole(room, tmp_path):
    """What cannot be written as JSON leaves the old file as it was."""
    write, path = room("measuring").write_json, tmp_path / "new" / "figures.json"
    write(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    write(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 2}
