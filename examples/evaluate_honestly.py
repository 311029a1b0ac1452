"""How good is it, really? Intervals, classes, twins, calibration, a paired test.

python examples/evaluate_honestly.py          5,000 images at 96 pixels
python examples/evaluate_honestly.py --smoke  made-up images, in seconds
"""

import argparse

from cifarkit import TwoPhaseTrainer, backbones, datasets, evaluate, heads, report
from cifarkit.calibration import scaled, temperature
from cifarkit.doctoring import twins
from cifarkit.evaluation import probabilities

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke

if smoke:
    data = datasets.synthetic(100)
else:
    whole = datasets.cifar10(size=96)
    few = whole.train.take(5_000), whole.validation.take(2_000)
    data = datasets.Splits(*few, whole.test)
result = TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier()).fit(data)

# 1. One figure is a sample: its interval says where the true accuracy may lie.
evaluation = evaluate(result.model, data.test)
print(evaluation)

# 2. The mean hides the weak classes.
weakest = min(evaluation.per_class, key=lambda score: score.f1)
print(f"weakest class: {weakest.name}, F1 {weakest.f1:.3f}")

# 3. Test images that nearly are training images flatter a network.
found = twins(data.train.images, data.test.images, size=32 if smoke else 96)
near = {twin.second for twin in found}
others = sorted(set(range(len(data.test))) - near)
if near and others:
    without = evaluate(result.model, data.test.select(others)).accuracy
    print(f"{len(near)} test images have a near twin; without them {without:.2%}")

# 4. A probability should mean what it says. Fitted on validation, never on the test.
known = probabilities(result.model, data.validation.images)
cooled = scaled(result.model, temperature(data.validation.labels, known))
better = evaluate(cooled, data.test).ece
print(f"calibration error {evaluation.ece:.3f}, with a temperature {better:.3f}")

# 5. Which of two models is better? Those images decide on which one alone is right.
rows = {
    f"phase {number}": probabilities(result.model_after(number), data.test.images)
    for number in (1, 2)
}
print(report.compare(data.test.labels, rows))
