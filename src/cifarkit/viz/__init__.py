"""Pictures of images, of a training and of what came of it.

Every function takes values and returns a `matplotlib.figure.Figure`, but for
`grad_cam`, whose maps `heat` draws. Nothing is shown or saved unasked, and no setting
of matplotlib is touched. Needs `pip install 'cifarkit[viz]'`; each raises
`MissingExtra` without it.

Example:
    >>> from cifarkit import viz
    >>> viz.curves(result).savefig("curves.png")                 # doctest: +SKIP
"""

from cifarkit.viz._attention import grad_cam, heat
from cifarkit.viz._comparing import comparison
from cifarkit.viz._exploring import augmentations, channels, class_counts, samples
from cifarkit.viz._galleries import gallery, top_losses
from cifarkit.viz._judging import calibration, class_scores, confusion
from cifarkit.viz._learning import curves

__all__ = [
    "augmentations",
    "calibration",
    "channels",
    "class_counts",
    "class_scores",
    "comparison",
    "confusion",
    "curves",
    "gallery",
    "grad_cam",
    "heat",
    "samples",
    "top_losses",
]
