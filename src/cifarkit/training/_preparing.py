"""What comes before a phase: what learns is set, and what cannot work is refused."""

import keras
import numpy as np

from cifarkit._errors import InvalidArgument
from cifarkit.augment import Policy
from cifarkit.training._devices import ALONE
from cifarkit.training._freezing import freeze, learning
from cifarkit.training._inputs import Data
from cifarkit.training._linear import check_linear
from cifarkit.training._network import Network
from cifarkit.training._optimizing import is_sparse, loss_of, optimizer_of
from cifarkit.training._phase import Phase


def prepare(network: Network, phase: Phase) -> None:
    """Freeze and unfreeze as a phase says."""
    mask = learning(
        network.body, phase.unfreeze, snap=phase.snap, block_of=network.block_of
    )
    freeze(network.body, mask, batch_norm=phase.batch_norm)
    if network.parts is not None:
        network.parts[1].trainable = phase.train_head


def release(network: Network) -> None:
    """Let the head learn again, whoever goes on with it.

    Keras counts the penalties of weights that learn alone: those of the head are part
    of the loss, whatever the last phase held still.
    """
    if network.parts is not None:
        network.parts[1].trainable = True


def rehearse(network: Network, phase: Phase, data: Data, policy: Policy) -> None:
    """Raise what a phase would raise, before anything is trained.

    Raises:
        InvalidArgument: a setting does not fit the network, the data or another one.
        InvalidData: a head cannot be fitted to these labels.
        UnknownName: the backbone has no such block or layer.
    """
    if (phase.patience or phase.schedule == "plateau") and data.validation is None:
        raise InvalidArgument(
            "Expected validation data for patience= or schedule='plateau'; received "
            "none. Pass validation=, or leave both out."
        )
    if is_sparse(loss_of(phase)) and policy.mixes:
        raise InvalidArgument(
            f"Expected a loss for mixed targets beside MixUp or CutMix; received "
            f"{phase.loss!r}, which takes whole classes. Use loss='auto'."
        )
    if phase.class_weight is not None and policy.mixes:
        raise InvalidArgument(
            "Expected no class_weight beside MixUp or CutMix, whose images are of two "
            f"classes; received {phase.class_weight!r}. Leave one of them out."
        )
    devices = getattr(data.train, "share", ALONE).devices
    counts = {
        "a batch_size": phase.batch_size,
        "training images": len(data.train),
        "validation images": len(data.validation or ()) or devices,
    }
    for name, count in counts.items():
        if count < devices:
            raise InvalidArgument(
                f"Expected {name} of at least {devices}, an image for each device; "
                f"received {count}."
            )
    if phase.solved:
        check_linear(network, data)
    prepare(network, phase)
    if not network.model.trainable_variables:
        raise InvalidArgument(
            f"Expected a phase in which something learns; received train_head="
            f"{phase.train_head} and unfreeze={phase.unfreeze!r}, which reaches no "
            "weight that may. Unfreeze more, or let the head learn."
        )
    optimizer_of(phase, steps=1)
    _check_measures(phase, data.train.classes)
    data.train.feed(phase, draws=policy.draws, key=(0,))


def _check_measures(phase: Phase, classes: int) -> None:
    """Let a loss and metrics see two rows, as Keras will show them many."""
    layers = [keras.Input((classes,)), keras.layers.Identity()]
    model, loss = keras.Sequential(layers), loss_of(phase)
    targets = np.arange(2) % classes
    true = targets if is_sparse(loss) else np.eye(classes, dtype="f4")[targets]
    rows = np.full((2, classes), 1 / classes, "f4")
    try:
        model.compile(optimizer="sgd", loss=loss, metrics=list(phase.metrics))
        model.compute_loss(None, true, rows)
        model.compute_metrics(None, true, rows)
        model.reset_metrics()
    except Exception as error:  # of each backend others
        kind = "integer" if is_sparse(loss) else "one-hot"
        raise InvalidArgument(
            f"Expected a loss and metrics of {classes} probabilities and {kind} "
            f"labels; received {phase.loss!r} and {phase.metrics!r} ({error!s:.300}). "
            "A sparse loss gets integer labels, and all metrics get those of the loss."
        ) from error
