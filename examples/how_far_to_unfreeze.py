"""How much of the backbone should learn? Compare on validation, then test once.

python examples/how_far_to_unfreeze.py          5,000 images at 96 pixels
python examples/how_far_to_unfreeze.py --smoke  made-up images, in seconds

The frozen part runs once per view of an image (plain, mirrored) for each of these
trainings, not in every epoch. Other numbers of layers would be moved to the start of a
block.
"""

import argparse

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, evaluate, heads

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke

if smoke:
    data = datasets.synthetic(100)
else:
    whole = datasets.cifar10(size=96)
    few = whole.train.take(5_000), whole.validation.take(2_000)
    data = datasets.Splits(*few, whole.test)

results = {}
for layers in (20,) if smoke else (20, 56, 91):
    phase_2 = Phase(
        epochs=1 if smoke else 4,
        learning_rate=5e-4,
        unfreeze=layers,
        batch_norm="tuned",
        label_smoothing=0.1,
    )
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2"), heads.classifier(), phase_2=phase_2
    )
    results[layers] = trainer.fit(data)

head_alone = next(iter(results.values())).model_after(1)
print(f"the head alone: {evaluate(head_alone, data.validation).accuracy:.1%}")
accuracies = {
    layers: evaluate(result.model_after(2), data.validation).accuracy
    for layers, result in results.items()
}
for layers, accuracy in accuracies.items():
    print(f"and the last {layers} layers: {accuracy:.1%}")

best = max(accuracies, key=accuracies.get)
chosen = evaluate(results[best].model_after(2), data.test)
low, high = chosen.interval
print(f"chosen, {best} layers, on the test images: {chosen.accuracy:.1%}", end=" ")
print(f"({low:.1%} to {high:.1%})")
