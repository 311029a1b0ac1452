"""Why does it say that? Mistakes, a heat map, and a whole report in one call.

python examples/report_and_explain.py          5,000 images at 96 pixels
python examples/report_and_explain.py --smoke  made-up images, in seconds

pip install 'cifarkit[viz]'
"""

import argparse
from pathlib import Path

from cifarkit import (
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    evaluate,
    heads,
    report,
    viz,
)
from cifarkit.evaluation import probabilities

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
parser.add_argument("--out", type=Path, default=Path("runs/report"))
options = parser.parse_args()

if options.smoke:
    data = datasets.synthetic(100)
else:
    whole = datasets.cifar10(size=96)
    few = whole.train.take(5_000), whole.validation.take(1_000)
    data = datasets.Splits(*few, whole.test)
result = TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier()).fit(data)
evaluation = evaluate(result.model, data.test)
for pair in evaluation.pairs[:3]:
    print(f"{pair.first} and {pair.second}: {pair.count} mistaken for one another")

# Pictures are figures: saved where you say, shown if you like.
options.out.mkdir(parents=True, exist_ok=True)
rows = probabilities(result.model, data.test.images)
viz.top_losses(data.test, rows).savefig(options.out / "top_losses.png")

# Where it looked, for the class that it names.
images = data.test.images[:8]
maps = viz.grad_cam(result.model, images)
names = [data.test.class_names[place] for place in rows[:8].argmax(axis=1)]
viz.heat(images, maps, names).savefig(options.out / "looked_at.png")

# Everything, for somebody who was not there.
shown = [augment.flip(), augment.crop(4), augment.cutout(8)]
folder = report.write(options.out / "report", result, evaluation, data, augment=shown)
print(f"{folder / 'report.html'}: one file, with all pictures inside")
