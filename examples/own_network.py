"""How do I tune a pretrained network of my own? `wrap` makes a backbone of it.

python examples/own_network.py          CIFAR-10: five classes first, then five others
python examples/own_network.py --smoke  made-up images, in seconds
"""

import argparse

import keras
import numpy as np
from keras import layers

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, evaluate, heads

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke
data = datasets.synthetic(300) if smoke else datasets.cifar10(size=32)
epochs = 1 if smoke else 6


def of_classes(split, wanted):
    """Return the images of some classes; their names become the labels."""
    places = np.flatnonzero(np.isin(split.labels, wanted))
    names = [split.class_names[label] for label in split.labels[places]]
    return datasets.split_of(split.images[places], names)


# A network that somebody trained in plain Keras, on the first five classes.
known = of_classes(data.train, range(5))
network = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)])
for filters in (32, 64, 128):
    network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    network.add(layers.MaxPooling2D(name=f"pool_{filters}"))
network.add(layers.GlobalAveragePooling2D())
network.add(layers.Dense(5, activation="softmax"))
network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
network.fit(known.images, known.labels, batch_size=64, epochs=epochs, verbose=2)

# Cut it where it still gives a feature map. It scales its images itself: "raw".
cut = keras.Model(network.inputs, network.get_layer("pool_128").output, name="mine")
backbone = backbones.wrap(cut, preprocess="raw")

# Adapt it to the other five, of which there are few images.
new = range(5, 10)
train = of_classes(data.train, new)
few = datasets.Splits(
    train.take(min(1_000, len(train))),
    of_classes(data.validation, new),
    of_classes(data.test, new),
)
trainer = TwoPhaseTrainer(
    backbone,
    heads.classifier(hidden=(64,)),
    phase_1=Phase(epochs=2 * epochs, learning_rate=2e-3),
    phase_2=Phase(epochs=2 * epochs, learning_rate=5e-4, unfreeze=0.5),
)
result = trainer.fit(few)
for number, what in ((1, "its head alone"), (2, "and its last layers")):
    accuracy = evaluate(result.model_after(number), few.test).accuracy
    print(f"on five new classes, {what}: {accuracy:.1%}")
