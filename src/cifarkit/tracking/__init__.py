"""Trainings in MLflow, TensorBoard or a CSV file, both phases on one axis.

`pip install 'cifarkit[tracking]'` brings MLflow and TensorBoard; CSV needs nothing.

Example:
    >>> from cifarkit import tracking
    >>> run = tracking.csv("runs/mine/epochs.csv")
    >>> result = trainer.fit(data, callbacks=[run])              # doctest: +SKIP
"""

from cifarkit.tracking._csv import csv
from cifarkit.tracking._mlflow import mlflow
from cifarkit.tracking._tensorboard import tensorboard
from cifarkit.tracking._tracker import Tracker

__all__ = ["Tracker", "csv", "mlflow", "tensorboard"]
