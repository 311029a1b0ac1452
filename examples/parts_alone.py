"""I have a Keras script already. What can I take from here, and leave the rest?

python examples/parts_alone.py          5,000 images at 96 pixels
python examples/parts_alone.py --smoke  made-up images, in seconds

A backbone that owns its preprocessing, a head, exact metrics and the doctor, in a
`model.compile` and `model.fit` of your own.
"""

import argparse

import keras

from cifarkit import backbones, datasets, doctor, heads, metrics, models

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke
size = 32 if smoke else 96

data = datasets.synthetic(100) if smoke else datasets.cifar10(size=size)
train = data.train.take(60 if smoke else 5_000)
classes = len(train.class_names)

# RGB in [0, 255] goes in, whatever the network was trained with.
base = backbones.get("mobilenetv2").build(size)
base.trainable = False
head = heads.classifier(hidden=(64,)).build(base.output_shape[1:], classes, seed=0)
model = models.assemble(base, head)
model.compile(
    keras.optimizers.Adam(1e-3),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)

# What would harm this training, before it costs an hour?
diagnosis = doctor(
    model,
    (train.images, train.labels),
    validation=(data.validation.images, data.validation.labels),
)
print(diagnosis)

model.fit(
    train.images, train.labels, batch_size=64, epochs=1 if smoke else 2, verbose=2
)

rows = model.predict(data.test.images, batch_size=256, verbose=0)
right = int((rows.argmax(axis=1) == data.test.labels).sum())
low, high = metrics.wilson_interval(right, len(rows))
print(f"{right / len(rows):.2%} ({low:.2%} to {high:.2%})")
print(f"calibration error {metrics.calibration_error(data.test.labels, rows):.3f}")
