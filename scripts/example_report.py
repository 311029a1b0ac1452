"""Write the report and the comparison that the documentation shows.

python scripts/example_report.py runs/fast

The folder is what `examples/quickstart.py --out` saved. The comparison is of the rows
of the ledger.
"""

import json
import sys
from pathlib import Path

from cifarkit import TrainResult, augment, datasets, evaluate, recipes, report, viz
from cifarkit.evaluation import Evaluation

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SHOWN = [
    *(augment.flip(), augment.crop(4), augment.rotation(0.1), augment.zoom(0.1)),
    *(augment.contrast(0.3), augment.color_jitter(hue=0.1, saturation=0.3)),
    *(augment.cutout(8), augment.mixup(1.0), augment.cutmix()),
]
NOTE = "A run of a minute and a half on 5,000 images at 96 pixels. The claim is of 160."


def main():
    """Write both."""
    result = TrainResult.load(sys.argv[1])
    data = images(result.provenance)
    evaluation = evaluate(result.model, data.test)
    report.write(
        DOCS / "example",
        result,
        evaluation,
        data,
        augment=SHOWN,
        claimed={"accuracy": 0.9024, "loss": 0.33},
        notes=[NOTE],
    )
    measured = dict(rows())
    claimed = {name: row["claimed"]["accuracy"] for name, row in measured.items()}
    figure = viz.comparison(
        {
            name: Evaluation.from_dict(row["evaluation"])
            for name, row in measured.items()
        },
        claimed={name: share for name, share in claimed.items() if share is not None},
    )
    figure.savefig(DOCS / "assets" / "comparison.png", dpi=80)


def images(made):
    """Return the images that the quickstart took."""
    data = datasets.cifar10(size=made["size"], seed=made["seed"])
    counts = made["n_train"], made["n_validation"], len(data.test)
    parts = zip((data.train, data.validation, data.test), counts, strict=True)
    taken = (part.take(count, seed=made["seed"]) for part, count in parts)
    return datasets.Splits(*taken, data.source)


def rows():
    """Yield the names and the rows of the ledger, in its order."""
    for name in recipes.names():
        for variant in recipes.variants(name):
            path = DOCS / "results" / "recipes" / f"{name}.{variant}.json"
            if path.exists():
                row = json.loads(path.read_text(encoding="utf-8"))
                yield f"{name}, {variant.replace('_', ' ')}", row


if __name__ == "__main__":
    main()
