"""How do I train on my own images? A folder with one sub-folder per class.

python examples/own_images.py                  shapes that it draws itself
python examples/own_images.py --folder photos  your own
python examples/own_images.py --draw photos    writes the shapes, and trains nothing
"""

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, evaluate, heads
from cifarkit.prediction import Predictor

COUNTS = {"circle": 120, "square": 80, "star": 60, "triangle": 40}  # uneven, as in life
CORNERS = {"square": 4, "star": 10, "triangle": 3}


def main():
    """Draw or take a folder, adapt a network to it, and ask it about single files."""
    options = parsed()
    if options.draw:
        draw(options.draw, COUNTS)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if not options.folder:
            draw(folder, dict.fromkeys(COUNTS, 10) if options.smoke else COUNTS)
        train(folder, options)


def train(folder, options):
    """Train on a folder, look at the test images once, and classify one file."""
    size = 32 if options.smoke else 96
    data = datasets.from_folder(folder, size=size, validation=0.2, test=0.2)
    print(data)
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2"),
        heads.classifier(),
        phase_1=Phase(epochs=1 if options.smoke else 10, class_weight="balanced"),
        phase_2=Phase(
            epochs=1 if options.smoke else 10,
            learning_rate=1e-4,
            warmup=0.3,
            batch_size=16,
            unfreeze="block_13",
            class_weight="balanced",
        ),
    )
    result = trainer.fit(data)
    print(evaluate(result.model, data.test))
    saved = result.save(options.out)
    (first, *_) = sorted(folder.glob("*/*"))
    print(f"{first}: {Predictor(saved)(first)}")


def draw(folder, counts, seed=0):
    """Write coloured shapes, of other sizes, places and colours in every file."""
    random = np.random.default_rng(seed)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            shape(name, random).save(folder / name / f"{number:03}.png")


def shape(name, random):
    """Return one picture of a shape on a ground, both of any colour."""
    width, height = map(int, random.integers(48, 160, 2))
    ground, colour = map(tuple, random.integers(0, 256, (2, 3)).tolist())
    image = Image.new("RGB", (width, height), ground)
    reach = min(width, height) * random.uniform(0.25, 0.45)
    box = (random.uniform(reach, width - reach), random.uniform(reach, height - reach))
    pen = ImageDraw.Draw(image)
    if name == "circle":
        pen.circle(box, reach, fill=colour)
    else:
        corners = list(points(name, box, reach, random.uniform(0, 2)))
        pen.polygon(corners, fill=colour)
    return image


def points(name, middle, reach, turn):
    """Return the corners of a shape; every other one of a star is near its middle."""
    corners = CORNERS[name]
    for corner in range(corners):
        angle = math.pi * (turn + 2 * corner / corners)
        far = reach * (0.4 if name == "star" and corner % 2 else 1.0)
        yield middle[0] + far * math.cos(angle), middle[1] + far * math.sin(angle)


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="one sub-folder per class")
    parser.add_argument("--draw", type=Path, help="only write the shapes, here")
    parser.add_argument("--out", type=Path, default=Path("runs/own_images"))
    parser.add_argument("--smoke", action="store_true", help="few images, seconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
