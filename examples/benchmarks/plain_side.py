"""The job in plain Keras, as a competent user writes it today. Nothing is cifarkit's.

The backbone is a saved Keras model: RGB in [0, 255] in, a feature map out.
"""

import time

import keras
import tensorflow as tf
from clock import Clock
from plain_parts import compiled, headed, unfreeze, warm_cosine
from task import CLASSES, carry_out

BLOCK_11, BLOCK_15 = 56, 20  # layers from the start of these blocks to the end


def published(task):
    """Do what S0 published, to its end; then look at the test images once."""
    arrays = [task.read(part) for part in ("train", "validation", "test")]
    clock = Clock(started=time.perf_counter())
    keras.utils.set_random_seed(task.seed)
    train = pipeline(task, *arrays[0], batch=32, shuffle=True)
    validation = pipeline(task, *arrays[1], batch=32)
    base, model = network(task)

    base.trainable = False
    compiled(model, keras.optimizers.Adam(1e-3))
    fit(model, train, validation, task.head_epochs, [stopping(), clock])
    phase_1 = time.perf_counter() - clock.started

    unfreeze(base, 50)
    compiled(model, keras.optimizers.Adam(1e-5))
    fit(model, train, validation, task.fine_epochs, [stopping(), clock])
    seconds = time.perf_counter() - clock.started

    test = model.evaluate(pipeline(task, *arrays[2], batch=32), verbose=0)
    figures = {"phase_1_s": phase_1, "seconds": seconds, "test_accuracy": test[1]}
    return {**figures, "epochs": clock.epochs}


def features(task):
    """Do the first phase on features that `predict` gave once, kept by hand."""
    arrays = [task.read(part) for part in ("train", "validation")]
    clock = Clock(started=time.perf_counter())
    keras.utils.set_random_seed(task.seed)
    _, model = network(task)
    pooled = keras.Model(model.input, model.layers[2].output)
    data = []
    for images, labels in arrays:
        kept = pooled.predict(pipeline(task, images, labels, batch=32), verbose=0)
        targets = keras.utils.to_categorical(labels, CLASSES)
        data.append(tf.data.Dataset.from_tensor_slices((kept, targets)))
    train, validation = data
    train = train.shuffle(len(arrays[0][0]), seed=task.seed)

    given = keras.Input(pooled.output_shape[1:])
    outputs = given
    for layer in model.layers[3:]:
        outputs = layer(outputs)
    head = keras.Model(given, outputs)
    compiled(head, keras.optimizers.Adam(1e-3))
    batches = [
        each.batch(32).prefetch(tf.data.AUTOTUNE) for each in (train, validation)
    ]
    fit(head, *batches, task.head_epochs, [stopping(), clock])
    seconds = time.perf_counter() - clock.started
    return {"phase_1_s": seconds, "epochs": clock.epochs}


def tuned(task):
    """Do the same with phases and rates tuned for speed."""
    arrays = [task.read(part) for part in ("train", "validation")]
    clock = Clock(started=time.perf_counter())
    keras.utils.set_random_seed(task.seed)
    train = pipeline(task, *arrays[0], batch=64, shuffle=True)
    validation = pipeline(task, *arrays[1], batch=64)
    base, model = network(task)

    base.trainable = False
    compiled(model, keras.optimizers.Adam(2e-3))
    fit(model, train, validation, 1, [clock])

    unfreeze(base, 50)
    optimizer = keras.optimizers.AdamW(
        warm_cosine(1e-3, len(train) * task.tuned_epochs), weight_decay=0.02
    )
    compiled(model, optimizer, smoothing=0.1)
    fit(model, train, validation, task.tuned_epochs, [clock])
    return {"seconds": time.perf_counter() - clock.started, "epochs": clock.epochs}


def last(task, layers):
    """Train the last layers live, batch norm frozen, without validation."""
    arrays = task.read("train")
    clock = Clock(started=time.perf_counter())
    keras.utils.set_random_seed(task.seed)
    base, model = network(task)
    unfreeze(base, layers)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    compiled(model, keras.optimizers.Adam(1e-5))
    train = pipeline(task, *arrays, batch=32, shuffle=True)
    fit(model, train.take(task.steps), None, 1, [])  # compiles, and warms up
    fit(model, train, None, task.timed_epochs, [clock])
    return {
        "warm": True,
        "trainable_parameters": clock.parameters,
        "epochs": clock.epochs,
    }


def pipeline(task, images, labels, *, batch, shuffle=False):
    """Return batches of resized images and one-hot labels."""

    def resized(images, labels):
        return tf.image.resize(images, (task.size, task.size)), labels

    targets = keras.utils.to_categorical(labels, CLASSES)
    data = tf.data.Dataset.from_tensor_slices((images, targets))
    if shuffle:
        data = data.shuffle(len(images), seed=task.seed)
    data = data.batch(batch).map(resized, num_parallel_calls=tf.data.AUTOTUNE)
    return data.prefetch(tf.data.AUTOTUNE)


def network(task):
    """Return the pretrained base, and it with S0's head."""
    base = keras.models.load_model(task.base)
    inputs = keras.Input((task.size, task.size, 3))
    return base, headed(base, inputs, inputs)


def stopping():
    """Return S0's early stopping."""
    return keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=3, restore_best_weights=True
    )


def fit(model, train, validation, epochs, callbacks):
    """Fit, with a line per epoch."""
    model.fit(
        train,
        validation_data=validation,
        epochs=epochs,
        callbacks=callbacks,
        verbose=2,
    )


if __name__ == "__main__":
    carry_out(
        "plain",
        {
            "published": published,
            "features": features,
            "tuned": tuned,
            "last_50": lambda task: last(task, BLOCK_11),
            "last_20": lambda task: last(task, BLOCK_15),
        },
    )
