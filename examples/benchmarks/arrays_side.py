"""The job in plain Keras from arrays in memory, on any backend. Nothing is cifarkit's.

Images are mirrored and resized inside of the compiled step, as suits a GPU.
"""

import time

import keras
from clock import Clock
from plain_parts import compiled, headed, unfreeze, warm_cosine
from task import CLASSES, carry_out

BLOCK_7 = 91  # layers from the start of this block to the end
BATCH = 64


def tuned(task):
    """Train as briefly as cifarkit's default does: the head, then the last blocks."""
    arrays = {part: task.read(part) for part in ("train", "validation", "test")}
    data = {part: (x, one_hot(y)) for part, (x, y) in arrays.items()}
    clock = Clock(started=time.perf_counter())
    keras.utils.set_random_seed(task.seed)
    base, model = network(task)

    base.trainable = False
    compiled(model, keras.optimizers.AdamW(2e-3))
    fit(model, data, task.head_epochs, clock)

    unfreeze(base, BLOCK_7)
    steps = -(-len(data["train"][0]) // BATCH) * task.fine_epochs
    rate = warm_cosine(5e-4, steps)
    compiled(model, keras.optimizers.AdamW(rate, weight_decay=0.02), smoothing=0.1)
    fit(model, data, task.fine_epochs, clock)
    seconds = time.perf_counter() - clock.started

    test = model.evaluate(*data["test"], batch_size=256, verbose=0)
    return {"seconds": seconds, "epochs": clock.epochs, "test_accuracy": test[1]}


def one_hot(labels):
    """Return targets, float32, shape `(N, CLASSES)`."""
    return keras.utils.to_categorical(labels, CLASSES)


def network(task):
    """Return the pretrained base, and it behind a resize with S0's head."""
    base = keras.models.load_model(task.base)
    inputs = keras.Input((32, 32, 3))
    images = keras.layers.RandomFlip("horizontal")(inputs)
    images = keras.layers.Resizing(task.size, task.size)(images)
    return base, headed(base, inputs, images)


def fit(model, data, epochs, clock):
    """Fit, with a line per epoch."""
    model.fit(
        *data["train"],
        batch_size=BATCH,
        validation_data=data["validation"],
        epochs=epochs,
        callbacks=[clock],
        verbose=2,
    )


if __name__ == "__main__":
    carry_out("arrays", {"tuned": tuned})
