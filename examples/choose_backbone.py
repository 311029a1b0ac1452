"""Which backbone, at which size? One pass of some images through each tells.

python examples/choose_backbone.py          real images, real weights
python examples/choose_backbone.py --smoke  made-up images, in seconds
"""

import argparse

from cifarkit import datasets, probe

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke

data = datasets.synthetic(100) if smoke else datasets.cifar10()
found = probe(
    data,
    backbones=("mobilenetv2",) if smoke else ("mobilenetv2", "efficientnetlite0"),
    sizes=(32, 64) if smoke else (96, 128, 160),
    images=2_000,
)
print(found)
print(f"Train {found.best.backbone} at {found.best.size} pixels first.")
print("Those whose intervals overlap with its own deserve a real run, too.")
