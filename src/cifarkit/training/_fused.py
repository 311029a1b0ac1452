"""Adam's step in one kernel, where TensorFlow runs on a CPU.

Keras composes the step of ten operations, each of which goes through a whole weight.
TensorFlow's own kernel goes through it once, by the same formula.
"""

from typing import Any

import keras

from cifarkit import models


def fused(optimizer: Any) -> Any:
    """Return an optimizer of the same kind and options, faster where there is one.

    It is for training only: its class cannot be saved. Adam and AdamW have one, on
    TensorFlow and a CPU; others are returned as they are.
    """
    kind: Any = type(optimizer)
    if not models.on_one_tensorflow_cpu():
        return optimizer
    if kind not in (keras.optimizers.Adam, keras.optimizers.AdamW) or optimizer.amsgrad:
        return optimizer

    class Fused(kind):  # type: ignore[misc]  # Keras is untyped
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            import tensorflow as tf

            def cast(value: Any) -> Any:
                return tf.cast(value, variable.dtype)

            index = self._get_variable_index(variable)
            step = cast(self.iterations + 1)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                beta1_power=tf.pow(cast(self.beta_1), step),
                beta2_power=tf.pow(cast(self.beta_2), step),
                lr=cast(learning_rate),
                beta1=cast(self.beta_1),
                beta2=cast(self.beta_2),
                epsilon=cast(self.epsilon),
                grad=tf.convert_to_tensor(cast(gradient)),
            )

    return Fused.from_config(optimizer.get_config())
