"""How do I use the model elsewhere? One file per format, each with the same answer.

python examples/export_and_compare.py          the quickstart's model, or a short run
python examples/export_and_compare.py --smoke  made-up images, in seconds

pip install 'cifarkit[export]'
"""

import argparse
from pathlib import Path

import numpy as np

from cifarkit import TrainResult, TwoPhaseTrainer, backbones, datasets, heads
from cifarkit.exporting import export
from cifarkit.prediction import Predictor

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
parser.add_argument("--out", default="runs/exported", help="folder for the files")
parser.add_argument("--result", type=Path, default=Path("runs/quickstart"))
options = parser.parse_args()

data = datasets.synthetic(100) if options.smoke else datasets.cifar10(size=96)
if options.result.exists() and not options.smoke:
    result = TrainResult.load(options.result)
else:
    small = datasets.Splits(
        data.train.take(min(2_000, len(data.train))),
        data.validation.take(min(500, len(data.validation))),
        data.test,
    )
    result = TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier()).fit(
        small
    )

written = export(result, options.out, ["keras", "saved_model", "onnx", "litert"])
images = data.test.images[:100]
wanted = Predictor(result.model, data.test.class_names).probabilities(images)
for name, path in written.paths.items():
    size = sum(file.stat().st_size for file in [path, *path.rglob("*")])
    found = Predictor(path).probabilities(images)
    others = int((found.argmax(axis=1) != wanted.argmax(axis=1)).sum())
    off = np.abs(found - wanted).max()
    print(
        f"{name:<12} {size / 2**20:5.1f} MiB, off by {off:.0e}, other classes: {others}"
    )
