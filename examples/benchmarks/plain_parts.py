"""What the plain Keras sides share: S0's head, unfreezing, rate and loss."""

import keras
from task import CLASSES


def headed(base, inputs, images):
    """Return a model from inputs to S0's head, on a base that gets the images."""
    features = keras.layers.GlobalAveragePooling2D()(base(images))
    hidden = keras.layers.Dense(128, activation="relu")(features)
    hidden = keras.layers.Dropout(0.3)(hidden)
    outputs = keras.layers.Dense(CLASSES, activation="softmax")(hidden)
    return keras.Model(inputs, outputs)


def unfreeze(base, count):
    """Let the last layers learn; their batch norms with them."""
    base.trainable = True
    for layer in base.layers[:-count]:
        layer.trainable = False


def warm_cosine(peak, steps):
    """Return a rate that warms up for 6 % of the steps, then falls to 1 %."""
    warm = round(0.06 * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.01 * peak,
        decay_steps=max(1, steps - warm),
        alpha=0.01,
        warmup_target=peak,
        warmup_steps=warm,
    )


def compiled(model, optimizer, smoothing=0.0):
    """Compile for one-hot labels."""
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
