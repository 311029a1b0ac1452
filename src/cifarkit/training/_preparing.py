"""What comes before a phase: what learns is set, and what cannot work is refused."""

import keras

from cifarkit._errors import InvalidArgument
from cifarkit.augment import Policy
from cifarkit.training._devices import WHOLE
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
    devices = getattr(data.train, "share", WHOLE).devices
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
    _check_metrics(phase)
    data.train.feed(phase, draws=policy.draws, key=(0,))


def _check_metrics(phase: Phase) -> None:
    for metric in phase.metrics:
        try:
            keras.metrics.get(metric)
        except ValueError as error:
            raise InvalidArgument(
                f"Expected a metric that Keras knows; received {metric!r}."
            ) from error
