"""How do I follow my trainings? A table of epochs, TensorBoard, MLflow.

python examples/track.py                              5,000 images at 96 pixels
python examples/track.py --mlflow sqlite:///runs.db   into a tracking store, too
python examples/track.py --smoke                      made-up images, in seconds

pip install 'cifarkit[tracking,viz]', and mlflow for a store of its own
"""

import argparse
from pathlib import Path

from cifarkit import (
    TwoPhaseTrainer,
    backbones,
    datasets,
    evaluate,
    heads,
    tracking,
    viz,
)

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
parser.add_argument("--mlflow", help="where MLflow keeps runs, or its server's address")
parser.add_argument("--out", type=Path, default=Path("runs/tracked"))
options = parser.parse_args()

if options.smoke:
    data = datasets.synthetic(100)
else:
    whole = datasets.cifar10(size=96)
    few = whole.train.take(5_000), whole.validation.take(1_000)
    data = datasets.Splits(*few, whole.test)

# Trackers are Keras callbacks that count the epochs of both phases as one.
trackers = [
    tracking.csv(options.out / "epochs.csv"),
    tracking.tensorboard(options.out / "tensorboard"),
]
if options.mlflow:
    trackers.append(tracking.mlflow("cifar-10", uri=options.mlflow))

trainer = TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier())
result = trainer.fit(data, callbacks=trackers)
evaluation = evaluate(result.model, data.test)
for tracker in trackers:
    tracker.finish(result, evaluation, figures={"curves": viz.curves(result)})
print((options.out / "epochs.csv").read_text())
