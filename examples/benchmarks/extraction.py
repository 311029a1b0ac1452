"""How fast each engine computes frozen features, against the peak of this machine.

python examples/benchmarks/extraction.py --json PATH           MobileNetV2 at 160 pixels
python examples/benchmarks/extraction.py --json PATH --quick   fewer images

The peak is that of a large float32 matrix product, measured between the engines' turns.
An engine in bfloat16 can be above it.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
from engines import cifarkit_engines, keras_predict
from measuring import command, peak_rss, ratio, write_json
from roofline import matrix_products, operations
from surroundings import surroundings

from cifarkit import backbones, datasets

BATCH = 128


def main():
    """Let the engines take turns, several times, and compare them."""
    options = parsed()
    backbone = backbones.get("mobilenetv2")
    trunk = backbone.build(options.size)
    train = datasets.cifar10(size=options.size, seed=options.seed).train
    images = train.take(options.images, seed=options.seed).images
    runs = {
        "keras_predict": keras_predict(trunk, images, BATCH),
        **cifarkit_engines(trunk, images, BATCH),
    }
    products = matrix_products(options.matrix)

    # The first run of each compiles and warms up.
    features = {name: run() for name, run in runs.items()}
    for product in products.values():
        product()
    speeds, peaks = turns(runs, products, options)
    figures = {
        "command": command(),
        "seed": options.seed,
        **surroundings(),
        "backbone": "mobilenetv2",
        "size": options.size,
        "n_images": len(images),
        "batch": BATCH,
        "weights_source": backbone.provenance()["source"],
        **compared(speeds, peaks, features, operations(trunk)),
        "peak_rss_bytes": peak_rss(),
    }
    write_json(options.json, figures)
    print(table(figures))


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, help="where figures go")
    parser.add_argument("--quick", action="store_true", help="fewer images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="images of one turn")
    parser.add_argument("--size", type=int, default=160, help="side in pixels")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--matrix", type=int, default=4096, help="side of the product")
    options = parser.parse_args()
    if options.images is None:
        options.images = 4 * BATCH if options.quick else 16 * BATCH
    if options.images % BATCH or options.images < BATCH or options.rounds < 1:
        parser.error(f"Expected rounds, and images as a multiple of {BATCH}.")
    return options


def turns(runs, products, options):
    """Return images/s of each engine and operations/s of each product, per round."""
    speeds, peaks = {name: [] for name in runs}, {name: [] for name in products}
    for _ in range(options.rounds):
        for name, product in products.items():
            peaks[name].append(product())
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            speeds[name].append(options.images / (time.perf_counter() - started))
    return speeds, peaks


def compared(speeds, peaks, features, cost):
    """Return each engine's figures, and the peak that they are shares of."""
    peak = max(max(each) for each in peaks.values())
    expected = features["keras_predict"]
    engines = {
        name: {
            "images_per_s": median(speeds[name]),
            "share_of_peak": median(speeds[name]) * cost / peak,
            "largest_difference": difference(features[name], expected),
            "rounds": speeds[name],
        }
        for name in speeds
    }
    speed = {name: each["images_per_s"] for name, each in engines.items()}
    return {
        "operations_per_image": cost,
        "peak_float32": {
            "operations_per_s": peak,
            "images_per_s": peak / cost,
            "rounds": peaks,
        },
        "engines": engines,
        "ratios": {
            f"{name}_over_{plain}": ratio(speed.get(name), speed[plain])
            for plain in ("keras_predict", "tensorflow")
            for name in ("openvino_float32", "openvino_bfloat16")
        },
    }


def difference(received, expected):
    """Return the largest difference, relative to the largest value."""
    return float(np.abs(received - expected).max() / np.abs(expected).max())


def table(figures):
    """Return the figures for people."""
    row = "{:<20} {:>10} {:>14} {:>20}".format
    lines = ["", row("engine", "images/s", "share of peak", "largest difference")]
    for name, each in figures["engines"].items():
        speed, share = f"{each['images_per_s']:,.0f}", f"{each['share_of_peak']:.1%}"
        lines.append(row(name, speed, share, f"{each['largest_difference']:.1e}"))
    peak = figures["peak_float32"]
    lines.append(
        f"Peak in float32: {peak['operations_per_s'] / 1e9:,.0f} GFLOP/s, "
        f"{peak['images_per_s']:,.0f} images/s."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
