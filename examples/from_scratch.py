"""How do I train a network of my own, without pretrained weights?

python examples/from_scratch.py          10,000 images, a network of the field's kind
python examples/from_scratch.py --smoke  made-up images, in seconds
"""

import argparse

import keras
from keras import layers

from cifarkit import Phase, TwoPhaseTrainer, augment, datasets, evaluate

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke

data = datasets.synthetic(100) if smoke else datasets.cifar10(size=32)
train = data.train.take(60 if smoke else 10_000)
data = datasets.Splits(train, data.validation, data.test)

# Any functional or sequential model that ends in a softmax: RGB in [0, 255] goes in.
network = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, -1)])
for filters in (32, 64, 128):
    network.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
    network.add(layers.BatchNormalization())
    network.add(layers.ReLU())
    network.add(layers.MaxPooling2D())
network.add(layers.GlobalAveragePooling2D())
network.add(layers.Dropout(0.2))
network.add(layers.Dense(10, activation="softmax"))

# One cycle (Smith 2018): up for a third of the steps, then down.
one_cycle = Phase(
    epochs=1 if smoke else 10,
    learning_rate=3e-3,
    schedule="linear",
    warmup=0.3,
    label_smoothing=0.1,
)
trainer = TwoPhaseTrainer(
    network,
    phase_1=one_cycle,
    phase_2=None,
    augment=[augment.flip(), augment.crop(4)],
)
result = trainer.fit(data)
print(evaluate(result.model, data.test))
