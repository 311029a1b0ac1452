"""What a training did and how good it is, for people: a folder, or a comparison.

Example:
    >>> from cifarkit import report
    >>> report.write("runs/mine/report", result, evaluation, data)  # doctest: +SKIP
"""

from cifarkit.report._compare import Comparison, compare
from cifarkit.report._write import write

__all__ = ["Comparison", "compare", "write"]
