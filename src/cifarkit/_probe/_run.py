"""The probe itself: one pass and one fit for each pair of a backbone and a size."""

import logging
from collections.abc import Sequence

import numpy as np

from cifarkit._probe._choice import Pair, pairs_of, training_images
from cifarkit._probe._fit import scored
from cifarkit._probe._forecast import behind_the_cut, forecast
from cifarkit._probe._pass import Pass, passed
from cifarkit._probe._probes import Probed, Probes
from cifarkit._types import Model
from cifarkit.activations import Cache, cache_of, pooled
from cifarkit.backbones import Backbone
from cifarkit.datasets import Split, Splits

_NAMES = ("mobilenetv2", "efficientnetlite0", "resnet50")
_log = logging.getLogger(__name__)


def probe(
    data: Splits,
    *,
    backbones: Sequence[str | Backbone] = _NAMES,
    sizes: Sequence[int] = (96, 160),
    images: int = 5000,
    seed: int = 0,
    cache: Cache | None = None,
) -> Probes:
    """Rank backbones and sizes by a linear probe on their pooled features.

    Each pair costs one pass through the frozen network, or none where the store holds
    its features. A linear classifier is fitted to training images by L-BFGS; its
    penalty is chosen on a fifth of these. It is scored on the validation images: the
    test images are never looked at.

    Args:
        data: training and validation images; their own `size` plays no part.
        backbones: names of `backbones.names()`, or `Backbone` values.
        sizes: sides in pixels at which each of them sees the images.
        images: how many training images to fit to, every class with its share; all
            where there are fewer.
        seed: which of them, not negative.
        cache: how features are computed and kept; None for the defaults of `Cache`.
            Its `views` play no part.

    Returns:
        Accuracy, loss, images/s, forecast, features and bytes of each pair, the most
        accurate first.

    Raises:
        InvalidArgument: a backbone does not take a size, a pair is there twice, a
            number is out of range; nothing has run then.
        InvalidData: no validation images, or a class without training images.
        SourceError: the weights of a backbone could not be had; nothing has run then.

    Example:
        >>> found = probe(datasets.cifar10(size=160))  # doctest: +SKIP
        >>> found.best.backbone, found.best.size  # doctest: +SKIP
        ('resnet50', 160)
    """
    pairs = pairs_of(backbones, sizes)
    train = training_images(data, images, seed)
    cache = cache_of(cache)
    trunks = [backbone.build(size) for backbone, size in pairs]
    results = []
    for pair in pairs:
        results.append(_probed(pair, trunks.pop(0), train, data, cache))
        _log.info("%s", results[-1])
    return Probes(
        results=tuple(results),
        train=len(train),
        validation=len(data.validation),
        seed=int(seed),
    )


def _probed(
    pair: Pair, trunk: Model, train: Split, data: Splits, cache: Cache | None
) -> Probed:
    (backbone, size), validation = pair, data.validation
    images = np.concatenate([train.images, validation.images])
    network = pooled(
        trunk,
        native=train.images.shape[1:3],
        interpolation=backbone.interpolation,
    )
    done = passed(network, images, cache)
    features, others = np.split(done.features(), [len(train)])
    score = scored(features, train.labels, others, validation.labels)
    kept = done.activations
    return Probed(
        backbone=backbone.name,
        weights=backbone.weights.name,
        preprocess=backbone.preprocess,
        size=int(size),
        right=score.right,
        scored=len(validation),
        loss=score.loss,
        features=kept.shape[0],
        nbytes=kept.nbytes,
        engine=kept.engine,
        images_per_second=done.rate,
        forecast=_seconds(done, behind_the_cut(backbone, trunk), data),
    )


def _seconds(done: Pass, share: float, data: Splits) -> float | None:
    if done.rate is None:
        return None
    train, others = len(data.train), len(data.validation)
    return forecast(done.rate, share, done.activations.engine, train, others)
