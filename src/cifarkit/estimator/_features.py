"""The transformer: what scikit-learn asks of an estimator, and nothing else."""

from typing import Any, final

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from cifarkit import backbones
from cifarkit._errors import InvalidData
from cifarkit._types import Floats, Images
from cifarkit.activations import Cache
from cifarkit.backbones import Backbone
from cifarkit.estimator._frozen import Part, Shared
from cifarkit.evaluation._predict import check_images
from cifarkit.heads import Pooling


@final
class Features(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn is untyped
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """A scikit-learn transformer from images to the features of a frozen backbone.

    Clones share the network and the features that they have computed, so that a search
    in one process computes each distinct image once. Processes share what is on disk,
    which is known by a whole array of images: with `n_jobs`, that is each fold. A new
    array costs a few seconds of preparation: to serve single images, train with
    `TwoPhaseTrainer`, whose result is one Keras model.

    Args:
        backbone: a name of `backbones.names()`, or a `Backbone`.
        size: side in pixels at which the network sees the images.
        pooling: how a feature map becomes features, as in `heads.linear`.
        cache: how features are computed and kept; None for the defaults of `Cache`.
            Its `views` play no part.

    Example:
        >>> features = Features("mobilenetv2", size=96).fit_transform(images)
        >>> features.shape  # doctest: +SKIP
        (5000, 1280)
    """

    def __init__(
        self,
        backbone: str | Backbone = "mobilenetv2",
        *,
        size: int = 160,
        pooling: Pooling = "avg",
        cache: Cache | None = None,
    ) -> None:
        self.backbone = backbone
        self.size = size
        self.pooling = pooling
        self.cache = cache

    def fit(self, X: Images, y: Any = None) -> "Features":
        """Get the network ready; no image goes through it yet.

        Args:
            X: uint8, shape `(N, H, W, 3)`, RGB in [0, 255]; only H and W count.
            y: ignored.

        Raises:
            InvalidData: `X` is no such array.
            InvalidArgument: the backbone does not take this size, or is none, or a
                setting is of another kind.
            UnknownName: there is no such backbone or pooling.
            SourceError: the weights could not be had.
        """
        native = _checked(X).shape[1:3]
        backbone = backbones.as_backbone(self.backbone)
        part = Part(backbone, self.size, self.pooling, native, self.cache)
        self.frozen_ = self._shared().frozen(part)
        self._n_features_out = self.frozen_.width
        return self

    def transform(self, X: Images) -> Floats:
        """Return the features of images, float32, shape `(N, features)`.

        Args:
            X: uint8, shape `(N, H, W, 3)`, RGB in [0, 255]; H and W as `fit` saw them.

        Raises:
            InvalidData: `X` is no such array.
        """
        check_is_fitted(self, "frozen_")
        images = _checked(X)
        if images.shape[1:] != self.frozen_.shape:
            raise InvalidData(
                f"Expected images of shape {self.frozen_.shape}, as fit saw them; "
                f"received {images.shape[1:]}. Bring all images to one size first."
            )
        return self.frozen_.features(images)

    def _shared(self) -> Shared:
        """Return what this transformer and its clones have made ready."""
        shared: Shared = self.__dict__.setdefault("_ready", Shared())
        return shared

    def __sklearn_clone__(self) -> "Features":
        twin: Features = super().__sklearn_clone__()
        twin.set_params(**self.get_params(deep=False))  # no copies of a backbone
        twin._ready = self._shared()
        return twin

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # images have four dimensions
        tags.transformer_tags.preserves_dtype = []
        return tags


def _checked(images: Any) -> Images:
    given = np.asarray(images)
    check_images(given)
    return given
