"""Activations computed by two workers of a Ray cluster, one of which dies on the way.

python scripts/distributed/on_ray.py --json docs/results/on_ray.json

A real cluster on this machine: a head without a processor and two nodes with one each.
While MobileNetV2 at 96 pixels runs over 3,000 real images, one node is killed; the
entry in the store must be the same to the bit as the one that a process alone makes.
"""

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "chaos"))

IMAGES = 3_000


def main():
    """Fill two stores, and compare."""
    from telling import options, tell

    given = options(__doc__)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    from cifarkit import datasets

    images = datasets.cifar10(size=96).train.images[:IMAGES]
    with tempfile.TemporaryDirectory() as work:
        alone, seconds = filled(f"{work}/alone", images)
        head = {"num_cpus": 0, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        import ray

        ray.init(address=cluster.address, log_to_driver=False)
        killed = {}
        killer = threading.Thread(
            target=kill,
            args=(cluster, nodes[0], f"{work}/together", killed),
            daemon=True,
        )
        killer.start()
        together, shared = filled(f"{work}/together", images, ray=True)
        killer.join(timeout=5)
        left = int(ray.cluster_resources().get("CPU", 0))
        ray.shutdown()
        cluster.shutdown()
    figures = {
        "workers": 2,
        "rows": 2 * IMAGES,
        "rows_when_killed": killed.get("rows", 0),
        "workers_left": left,
        "identical": alone == together,
        "digests": together,
        "seconds": {"alone": seconds, "on_ray": shared},
    }
    tell(figures, given.json)
    assert figures["identical"], (alone, together)
    assert 0 < figures["rows_when_killed"] < 2 * IMAGES, (
        "the worker was not killed on the way"
    )
    assert left == 1, "no worker was killed"


def filled(home, images, **options):
    """Compute activations into a store; return the digests and the seconds."""
    from cifarkit import _sealed, activations, backbones
    from cifarkit.activations import _filling, _shelf

    _filling.SECONDS = 0.0  # so that the progress can be read
    views = activations.Flips(mirrored=True)
    prefix = with_resize(backbones.get("mobilenetv2", size=96).build(96))
    store = os.environ.get("CIFARKIT_HOME")
    os.environ["CIFARKIT_HOME"] = home
    began = time.perf_counter()
    cache = activations.Cache(**options)
    activations.extract(prefix, images, views, cache=cache)
    seconds = time.perf_counter() - began
    (entry,) = activations.kept()
    del os.environ["CIFARKIT_HOME"]
    if store:
        os.environ["CIFARKIT_HOME"] = store
    return _sealed.read(entry.path / _shelf.RECORD)["digests"], seconds


def with_resize(model):
    """Return a backbone behind a resize from 32 pixels."""
    import keras

    image = keras.Input((32, 32, 3))
    values = keras.layers.Resizing(96, 96, interpolation="bilinear")(image)
    return keras.Model(image, model(values))


def kill(cluster, node, home, killed):
    """Kill a node as soon as a third of the rows are there."""
    from cifarkit import _sealed

    while True:
        time.sleep(0.05)
        for note in Path(home).glob("activations/.part-*/progress.sealed"):
            rows = rows_of(note, _sealed)
            if rows > 2 * IMAGES // 3:
                killed["rows"] = rows
                cluster.remove_node(node, allow_graceful=False)
                return


def rows_of(note, sealed):
    """Return how many rows a note says; 0 while it is being replaced."""
    try:
        return sealed.read(note)["rows"]
    except OSError:
        return 0


if __name__ == "__main__":
    main()
