"""A network as it is fed while it learns: augmentation before it, targets beside it."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cifarkit._types import Model
from cifarkit.augment import Policy
from cifarkit.training._network import Network


class Fed(keras.Model):  # type: ignore[misc]  # Keras is untyped
    """A network behind its augmentation; the targets pass through it too.

    Mixed images need mixed targets, so the targets that count are those that come out.
    What a callback saves is the network alone, without these training-only parts.

    Attributes:
        network: that network.
        sparse: whether loss and metrics get integer labels.
        smoothing: share of each target that is spread over all classes, in the loss of
            the training alone: validation losses of all phases can be compared.
        together: most steps that one call makes.
        steps: steps per epoch.
        skipped: how many calls are passed over from now on, because they were made
            before: their batches are drawn, and nothing is learnt from them.
        reached: the epoch's mean loss after each of the last two calls, which a device
            may still be computing; who looks at one takes it away.
    """

    network: Model
    sparse: bool
    smoothing: float
    together: int = 1
    steps: int = 1
    skipped: int = 0
    reached: deque[Any]
    train_function: Any

    def make_train_function(self, force: bool = False) -> Any:
        """Return the function of a step, which can be passed over."""
        if self.train_function is not None and not force:
            return self.train_function
        learn = super().make_train_function(force=True) or self.train_function

        def step(*given: Any) -> Any:
            alone = len(given) == 1  # JAX hands its state on besides
            if not self.skipped:
                done = learn(*given)
                self.reached.append((done if alone else done[0])["loss"])
                return done
            if hasattr(given[-1], "__next__"):  # the step itself would draw the batch
                next(given[-1])
            return {} if alone else ({}, given[0])

        self.train_function = step
        return step

    def make_variables(self) -> None:
        """Make those of optimizer, loss and metrics, as Keras does in the first step.

        TensorFlow compiles a step in which variables are made a second time.
        """
        self.optimizer.build(self.trainable_variables)
        rows = {
            name: ops.zeros((1, each.shape[1])) for name, each in self.output.items()
        }
        self.compute_loss(None, None, rows)
        self.compute_metrics(None, None, rows)
        self.reset_metrics()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss against the targets that left the augmentation."""
        targets, outputs = self._seen(y_pred)
        if training and self.smoothing:
            spread = self.smoothing / targets.shape[-1]
            targets = targets * (1.0 - self.smoothing) + spread
        return super().compute_loss(x, targets, outputs, sample_weight, training)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        """Return the metrics against the targets that left the augmentation."""
        targets, outputs = self._seen(y_pred)
        return super().compute_metrics(x, targets, outputs, sample_weight)

    def predict(self, *args: Any, **options: Any) -> Any:
        """Let the network alone predict, from images, whatever a phase is fed with."""
        getattr(self, "jax_state_sync", lambda: None)()
        return self.network.predict(*args, **options)

    def predict_on_batch(self, *args: Any, **options: Any) -> Any:
        """Let the network alone predict, as `predict` does."""
        getattr(self, "jax_state_sync", lambda: None)()
        return self.network.predict_on_batch(*args, **options)

    def export(self, *args: Any, **options: Any) -> Any:
        """Export the network alone."""
        return self.network.export(*args, **options)

    def save(self, *args: Any, **options: Any) -> Any:
        """Save the network alone."""
        return self.network.save(*args, **options)

    def save_weights(self, *args: Any, **options: Any) -> Any:
        """Save the weights of the network alone."""
        return self.network.save_weights(*args, **options)

    def load_weights(self, *args: Any, **options: Any) -> Any:
        """Load the weights of the network alone."""
        return self.network.load_weights(*args, **options)

    def _seen(self, outputs: Any) -> tuple[Any, Any]:
        targets = outputs["targets"]
        if self.sparse:
            targets = ops.argmax(targets, axis=-1)
        return targets, outputs["probabilities"]


class _Augmented(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """The augmentation, in training alone."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(name="augment", dtype="float32", autocast=False)
        self._policy = policy

    def call(self, image: Any, target: Any, noise: Any, training: Any = None) -> Any:
        image = ops.cast(image, "float32")
        if not training or not self._policy.items:
            return image, target
        return self._policy(image, target, noise)


def fed(
    network: Network,
    learner: Model,
    policy: Policy,
    *,
    shape: Sequence[int],
    classes: int,
    draws: int,
    sparse: bool,
    smoothing: float = 0.0,
    kind: type[Fed] = Fed,
) -> Fed:
    """Return a network as it is fed while it learns.

    Args:
        network: the whole, which callbacks see and save.
        learner: the whole too, or the part of it that is not computed ahead.
        policy: the augmentation, applied at native size inside the compiled step.
        shape: of one native image, `(H, W, 3)`, or of what is kept of it.
        classes: how many classes there are.
        draws: random numbers per image that the batches bring.
        sparse: whether loss and metrics get integer labels.
        smoothing: as in `Fed`.
        kind: how it goes through what it is given.
    """
    inputs = {
        "image": keras.Input(tuple(shape), name="image"),
        "target": keras.Input((classes,), name="target"),
        "noise": keras.Input((draws,), name="noise"),
    }
    image, target = _Augmented(policy)(*inputs.values())
    outputs = {"probabilities": learner(image), "targets": target}
    model = kind(inputs, outputs)
    model.sparse, model.smoothing = sparse, smoothing
    # Not as a layer of it, whose variables it would have, and whose limits.
    object.__setattr__(model, "network", network.model)
    object.__setattr__(model, "reached", deque(maxlen=2))
    return model
