"""Write the report and the comparison that the documentation shows.

python examples/run_recipe.py --recipe s3-mobilenetv2 --variant best --out runs/s3
python scripts/example_report.py runs/s3

The folder is what the first command saved. The comparison is of the rows of the ledger.
"""

import json
import sys
from pathlib import Path

from cifarkit import TrainResult, augment, evaluate, recipes, report, viz
from cifarkit.doctoring import twins
from cifarkit.evaluation import Evaluation

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SHOWN = [
    *(augment.flip(), augment.crop(4), augment.shift(0.1), augment.rotation(0.1)),
    *(augment.zoom(0.1), augment.brightness(0.3), augment.contrast(0.3)),
    augment.color_jitter(hue=0.1, saturation=0.3),
    *(augment.cutout(8), augment.mixup(1.0), augment.cutmix()),
]
NOTE = "The claim is that of the project S3, of a frozen network on the same images."


def main():
    """Write both."""
    result = TrainResult.load(sys.argv[1])
    recipe = recipes.get("s3-mobilenetv2", "best")
    data = recipe.data()
    evaluation = evaluate(result.model, data.test)
    report.write(
        DOCS / "example",
        result,
        evaluation,
        data,
        augment=SHOWN,
        claimed=recipe.claimed.to_dict(),
        twins=twins(data.train.images, data.test.images),
        notes=[NOTE, *recipe.assumed, *recipe.notes],
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
