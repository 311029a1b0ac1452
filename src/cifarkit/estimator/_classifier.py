"""A linear head on frozen features, as one scikit-learn classifier."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from cifarkit.activations import Cache
from cifarkit.backbones import Backbone
from cifarkit.estimator._features import Features

_MOST = 1000  # iterations of L-BFGS


def classifier(
    backbone: str | Backbone = "mobilenetv2",
    *,
    size: int = 160,
    C: float = 0.003,
    cache: Cache | None = None,
) -> Pipeline:
    """Return a scikit-learn classifier of images: a linear head on frozen features.

    Args:
        backbone: as in `Features`.
        size: as in `Features`.
        C: the inverse strength of the head's L2 penalty, above 0. The best value falls
            as images are added, so search it.
        cache: as in `Features`.

    Returns:
        A `sklearn.pipeline.Pipeline` of the steps `"features"` (`Features`), `"scale"`
        (`StandardScaler`) and `"head"` (`LogisticRegression`): uint8 images,
        `(N, H, W, 3)`, and labels of any kind in, labels out.

    Example:
        >>> search = GridSearchCV(
        ...     estimator.classifier(size=96), {"head__C": [0.001, 0.003, 0.01]}, cv=3
        ... )
        >>> search.fit(images, labels).best_params_  # doctest: +SKIP
        {'head__C': 0.003}
    """
    return Pipeline(
        [
            ("features", Features(backbone, size=size, cache=cache)),
            ("scale", StandardScaler()),
            ("head", LogisticRegression(C=C, max_iter=_MOST)),
        ]
    )
