"""Trackers: both phases on one axis, in a file, in TensorBoard, on a real MLflow."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cifarkit import (
    Phase,
    TrainResult,
    TwoPhaseTrainer,
    backbones,
    datasets,
    evaluate,
    heads,
    tracking,
    viz,
)
from cifarkit._errors import InvalidArgument, MissingExtra


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))


def trained(tracker):
    """Return what two phases of a small backbone gave, watched by a tracker."""
    body = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, strides=4)], name="body"
    )
    data = datasets.synthetic(n=60, size=16, classes=3)
    trainer = TwoPhaseTrainer(
        backbones.wrap(body, preprocess="unit"),
        heads.linear(),
        phase_1=Phase(epochs=2),
        phase_2=Phase(epochs=1, unfreeze="all"),
        verbose=0,
    )
    result = trainer.fit(data, callbacks=[tracker])
    evaluation = evaluate(result.model, data.test)
    return SimpleNamespace(result=result, evaluation=evaluation)


def test_a_table_has_both_phases(tmp_path):
    """One row for each epoch, counted on, with what the history says."""
    path = tmp_path / "new" / "epochs.csv"
    run = tracking.csv(path)
    done = trained(run)
    run.finish(done.result, done.evaluation)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [float(row["phase"]) for row in rows] == [1, 1, 2]
    history = done.result.history
    for name in ("loss", "val_accuracy"):
        np.testing.assert_allclose([float(row[name]) for row in rows], history[name])


def test_a_tracker_is_for_one_training(tmp_path):
    """A second fit would mix two courses in one record."""
    for finished in (True, False):
        run = tracking.csv(tmp_path / "epochs.csv")
        done = trained(run)
        if finished:
            run.finish(done.result)
            with pytest.raises(InvalidArgument, match="inside its with block"):
                run.finish(done.result)
        with pytest.raises(InvalidArgument, match="new tracker"):
            trained(run)


def test_tensorboard_can_read_the_events(tmp_path):
    """Scalars of all epochs, the test's figures, and a picture."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    run = tracking.tensorboard(tmp_path / "events")
    done = trained(run)
    figures = {"curves": viz.curves(done.result)}
    run.finish(done.result, done.evaluation, figures=figures)
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    losses = events.Tensors("loss")
    assert [event.step for event in losses] == [1, 2, 3]
    values = [float(make_ndarray(event.tensor_proto)) for event in losses]
    np.testing.assert_allclose(values, done.result.history["loss"], rtol=1e-6)
    (accuracy,) = events.Tensors("test_accuracy")
    assert make_ndarray(accuracy.tensor_proto) == pytest.approx(
        done.evaluation.accuracy
    )
    (gap,) = events.Tensors("gap")
    assert make_ndarray(gap.tensor_proto) == pytest.approx(done.result.gap)
    (settings,) = events.Tensors("settings")
    told = make_ndarray(settings.tensor_proto).item().decode()
    assert "| phase_1.optimizer | adamw |" in told
    (picture,) = events.Tensors("curves")
    assert make_ndarray(picture.tensor_proto)[2].startswith(b"\x89PNG")


@pytest.fixture
def server(tmp_path):
    """A real MLflow server on loopback, on an SQLite store; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    line = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    line += ["--port", str(port), "--workers", "1"]
    line += ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"]
    line += ["--artifacts-destination", str(tmp_path / "artifacts")]
    log = (tmp_path / "server.log").open("w")
    process = subprocess.Popen(
        line, stdout=log, stderr=log, cwd=tmp_path, start_new_session=True
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.5)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # nothing of it is looked at any more
        process.wait(20)
        log.close()


@pytest.mark.filterwarnings("ignore")
def test_mlflow_has_the_run_the_figures_and_the_version(server, tmp_path, monkeypatch):
    """Metrics of both phases, settings, pictures, and a model that gives its answer."""
    elsewhere = tmp_path / "elsewhere"  # not where the server has its database
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = tracking.mlflow("cifar", uri=server, name="first", register="mine")
    done = trained(run)
    figures = {"confusion": viz.confusion(done.evaluation)}
    run.finish(done.result, done.evaluation, figures=figures)

    import mlflow

    client = mlflow.MlflowClient(tracking_uri=server)
    (found,) = client.search_runs(
        [client.get_experiment_by_name("cifar").experiment_id]
    )
    assert (found.info.run_name, found.info.status) == ("first", "FINISHED")
    losses = client.get_metric_history(found.info.run_id, "loss")
    assert [each.step for each in losses] == [1, 2, 3]
    np.testing.assert_allclose(
        [each.value for each in losses], done.result.history["loss"]
    )
    assert found.data.metrics["test_accuracy"] == done.evaluation.accuracy
    assert found.data.metrics["gap"] == pytest.approx(done.result.gap)
    assert found.data.params["phase_2.unfreeze"] == "all"
    made = done.result.provenance["backbone"]
    assert found.data.params["backbone.preprocess"] == made["preprocess"]
    paths = {each.path for each in client.list_artifacts(found.info.run_id)}
    assert paths == {"figures", "model", "evaluation.json"}
    (version,) = client.search_model_versions("name = 'mine'")
    assert version.run_id == found.info.run_id
    mlflow.set_tracking_uri(server)
    got = mlflow.artifacts.download_artifacts("models:/mine/1")
    mlflow.set_tracking_uri(None)
    images = np.zeros((1, 16, 16, 3), np.uint8)
    np.testing.assert_allclose(
        TrainResult.load(got).model.predict(images, verbose=0),
        done.result.model.predict(images, verbose=0),
    )
    for name in ("mine", "bob's"):
        again = tracking.mlflow("cifar", uri=server, register=name)
        again.finish(done.result)
    assert len(client.search_model_versions("name = 'mine'")) == 2
    assert len(client.search_model_versions('name = "bob\'s"')) == 1
    for stop in (ValueError, KeyboardInterrupt):
        run = tracking.mlflow("stopped", uri=server)
        run.on_epoch_end(0, {"loss": 1.0})
        with pytest.raises(stop), run:
            raise stop
    unused = tracking.mlflow("stopped", uri=server)
    with pytest.raises(ValueError, match="refused"), unused:
        raise ValueError("refused")  # before anything was trained: there is no run
    runs = client.search_runs([client.get_experiment_by_name("stopped").experiment_id])
    assert sorted(each.info.status for each in runs) == ["FAILED", "KILLED"]


@pytest.mark.parametrize(
    ("module", "make"),
    [
        ("mlflow", lambda path: tracking.mlflow("cifar", uri=str(path))),
        ("tensorboard", tracking.tensorboard),
    ],
)
def test_without_the_extra_the_pip_line_is_said(module, make, tmp_path, monkeypatch):
    """Before anything is trained."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"pip install 'cifarkit\[tracking\]'"):
        make(tmp_path)
