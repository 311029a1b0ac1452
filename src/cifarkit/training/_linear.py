"""A linear head at its optimum, on the kept features of a frozen backbone.

No steps are taken: the best weights are found by L-BFGS, on features that are
standardised for the fit. The scaling is folded back into the weights, so that the head
stays the dense layer that it was.
"""

import numpy as np

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._types import Floats
from cifarkit.training._freezing import augments, penalises
from cifarkit.training._inputs import Data, InMemory
from cifarkit.training._logistic import Samples, Scaling, best, few_of, score
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase
from cifarkit.training._stage import Kept, Stage


def check_linear(network: Network, data: Data) -> None:
    """Raise unless a network has a head that can be fitted to its optimum.

    Raises:
        InvalidArgument: the head is not linear or has a penalty of its own, there is
            none, or the images are a stream, of which nothing is kept.
        InvalidData: a class without images, whose bias has no optimum.
    """
    train = data.train
    if not isinstance(train, InMemory):
        raise _refusal("a stream of images")
    if found := _obstacle(network):
        raise _refusal(found)
    counts = np.bincount(train.split.labels, minlength=train.classes)
    if not counts.all():
        raise InvalidData(
            "Expected training images of every class for optimizer='lbfgs'; received "
            f"none of class {int(counts.argmin())}. Leave such classes out."
        )


def fit_head(network: Network, stage: Stage, phase: Phase) -> dict[str, float]:
    """Fit the head of a network to its optimum, in place.

    Every view of an image is a sample. The penalty is chosen on at most about 10,000
    images and their first view.

    Args:
        network: a network with a linear head.
        stage: what is kept of the images: features, shape `(F,)` each.
        phase: the settings; its class weights count.

    Returns:
        What Keras would log of an epoch: loss, accuracy and, with validation images,
        val_loss and val_accuracy. All are those of the fitted head.

    Raises:
        InvalidArgument: no features are kept.
    """
    train, validation = stage.data.train, stage.data.validation
    if not isinstance(train, Kept) or len(train.shape) != 1 or network.parts is None:
        raise InvalidArgument(
            "Expected kept features for optimizer='lbfgs'; received images, because "
            "nothing is kept of them. Allow it: cache='auto', no augmentation but "
            "flips, and memory or disk enough."
        )
    samples, others = _samples(train, train.images.weights(phase)), None
    scaling = Scaling.of(samples.features)
    scaling.apply(samples.features)
    if isinstance(validation, Kept):
        others = _samples(validation, np.ones(validation.classes, np.float32))
        scaling.apply(others.features)
    weights = best(samples, others, few=few_of(train.images.split.labels))
    layer = network.parts[1].get_layer("predictions")
    layer.set_weights(list(scaling.folded(*weights)))
    logs = dict(zip(("loss", "accuracy"), score(samples, weights), strict=True))
    if others:
        scores = score(others, weights)
        logs |= dict(zip(("val_loss", "val_accuracy"), scores, strict=True))
    return logs


def _refusal(received: str) -> InvalidArgument:
    return InvalidArgument(
        "Expected a backbone, a head such as heads.linear() and images in memory for "
        f"optimizer='lbfgs'; received {received}. Choose another optimizer, such as "
        "'adamw'."
    )


def _obstacle(network: Network) -> str | None:
    """Say in words what keeps a head from being fitted to its optimum, if anything."""
    if network.parts is None:
        return "a network without a head"
    if any(map(augments, network.parts[0].layers)):
        return "a backbone that augments images by itself"
    if any(map(penalises, network.parts[0].layers)):
        return "a backbone with an activity regularizer"
    head = network.parts[1]
    last = head.get_layer("predictions")
    if [layer for layer in head.layers if layer.weights] != [last]:
        return "a head with hidden layers"
    if last.kernel_regularizer is not None:
        return "a head with an l2 of its own"
    return None


def _samples(kept: Kept, weights: Floats) -> Samples:
    """Return all views of all images, view by view, given each class's weight."""
    views, count = len(kept.activations.views), len(kept)
    features = np.empty((views * count, *kept.shape), np.float32)
    for view in range(views):
        features[view * count : (view + 1) * count] = kept.activations.view(view)
    labels = np.tile(kept.images.split.labels, views)
    return Samples(features, labels, weights[labels])
