"""Runs, figures and model versions in MLflow."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from cifarkit._extras import require
from cifarkit.evaluation import Evaluation
from cifarkit.tracking._tracker import (
    Numbers,
    Status,
    Tracker,
    parameters,
    scores,
)
from cifarkit.training import TrainResult

_LONGEST = 500  # characters of a parameter's value


def mlflow(
    experiment: str,
    *,
    uri: str | None = None,
    name: str | None = None,
    register: str | None = None,
) -> Tracker:
    """Return a tracker that writes a run of an MLflow experiment.

    MLflow's own global state (the active run, the tracking address) is not touched. The
    run begins with the first epoch. In a `with` block it ends as failed or killed if
    the training is; without one it would stay "running".

    Args:
        experiment: its name; it is made where there is none.
        uri: of the tracking server or folder; None is what MLflow's own settings say.
        name: of the run, or None.
        register: the registered model of which the result becomes a version, or None.

    Raises:
        MissingExtra: MLflow is not installed.

    Example:
        >>> run = tracking.mlflow("cifar-10", register="mine")       # doctest: +SKIP
        >>> with run:                                                # doctest: +SKIP
        ...     result = trainer.fit(data, callbacks=[run])
        ...     run.finish(result, evaluate(result.model, data.test))
    """
    client = require("mlflow", extra="tracking").MlflowClient(tracking_uri=uri)
    if (found := client.get_experiment_by_name(experiment)) is None:
        with _there_already():
            client.create_experiment(experiment)
        found = client.get_experiment_by_name(experiment)
    return _MLflow(client, found.experiment_id, name, register)


@contextmanager
def _there_already() -> Iterator[None]:
    """Pass over that something is there already: another process may just make it."""
    exceptions = require("mlflow.exceptions", extra="tracking")
    try:
        yield
    except exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


class _MLflow(Tracker):
    def __init__(
        self, client: Any, experiment: str, name: str | None, register: str | None
    ) -> None:
        super().__init__()
        self._client, self._register = client, register
        self._experiment, self._name = experiment, name

    @cached_property
    def _run(self) -> str:
        """The number of the run, which begins when there is something to note."""
        run = self._client.create_run(self._experiment, run_name=self._name)
        return str(run.info.run_id)

    def _note(self, epoch: int, numbers: Numbers) -> None:
        entities = require("mlflow.entities", extra="tracking")
        now = int(1000 * time.time())
        metrics = [
            entities.Metric(name, value, now, epoch) for name, value in numbers.items()
        ]
        self._client.log_batch(self._run, metrics=metrics)

    def _close(
        self,
        result: TrainResult,
        evaluation: Evaluation | None,
        figures: dict[str, Any],
    ) -> None:
        self._note(self._epoch, scores(result, evaluation))
        for name, value in parameters(result).items():
            self._client.log_param(self._run, name, value[:_LONGEST])
        for name, figure in figures.items():
            self._client.log_figure(self._run, figure, f"figures/{name}.png")
        with tempfile.TemporaryDirectory() as folder:
            result.save(Path(folder) / "model")
            self._client.log_artifacts(self._run, folder)
        if evaluation is not None:
            text = json.dumps(evaluation.to_dict(), indent=2)
            self._client.log_text(self._run, text, "evaluation.json")
        if self._register:
            self._version(self._register)
        self._client.set_terminated(self._run)

    def _abandon(self, status: Status) -> None:
        if "_run" in vars(self):
            self._client.set_terminated(self._run, status=status)

    def _version(self, name: str) -> None:
        with _there_already():
            self._client.create_registered_model(name)
        source = f"runs:/{self._run}/model"
        self._client.create_model_version(name, source, run_id=self._run)
