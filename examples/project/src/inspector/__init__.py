"""Sorts photographs of parts into good and bad, and leaves doubtful ones to people."""

from inspector.learning import learn
from inspector.sorting import Sorter, Verdict

__all__ = ["Sorter", "Verdict", "learn"]
