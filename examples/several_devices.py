"""How do I train on several GPUs? One argument; here with two halves of a CPU.

python examples/several_devices.py          2,000 images at 96 pixels
python examples/several_devices.py --smoke  made-up images, in seconds

On a machine with GPUs, `strategy = tf.distribute.MirroredStrategy()` is all.
"""

import argparse

import tensorflow as tf

from cifarkit import TwoPhaseTrainer, backbones, datasets, evaluate, heads

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke

(cpu,) = tf.config.list_physical_devices("CPU")
half = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

if smoke:
    data = datasets.synthetic(200)
else:
    whole = datasets.cifar10(size=96)
    few = whole.train.take(2_000), whole.validation.take(500)
    data = datasets.Splits(*few, whole.test.take(2_000))

trainer = TwoPhaseTrainer(
    backbones.get("mobilenetv2"), heads.classifier(), strategy=strategy
)
result = trainer.fit(data)
print(f"on {result.provenance['device']}")
print(evaluate(result.model, data.test))
