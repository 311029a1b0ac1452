"""How much of a machine is taken, and what an engine must give to be used."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cifarkit.activations import PLAIN, Cache, Extractor, _engine, _shelf, kept
from cifarkit.training import _budget

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), np.uint8)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))
    return tmp_path


def network(seed=1):
    """Return a small frozen part."""
    given = keras.Input((4, 4, 3))
    init = keras.initializers.GlorotUniform(seed)
    return keras.Model(given, keras.layers.Conv2D(2, 3, kernel_initializer=init)(given))


@pytest.mark.parametrize(("free", "fits"), [(2.0, True), (1.9, False)])
def test_an_entry_takes_half_of_the_free_disk_at_most(free, fits, monkeypatch):
    """The rest stays for others."""
    usage = SimpleNamespace(free=int(free * 1000))
    monkeypatch.setattr(_shelf.shutil, "disk_usage", lambda _: usage)
    assert _shelf.has_room(1000) is fits


def test_no_entry_is_larger_than_the_store_may_be(monkeypatch):
    """However much is free."""
    monkeypatch.setattr(
        _shelf.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**15)
    )
    assert _shelf.has_room(_shelf.LIMIT)
    assert not _shelf.has_room(_shelf.LIMIT + 1)


def test_after_a_fill_the_store_is_within_its_limit(monkeypatch):
    """The entry that was used least recently goes."""
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)
    Extractor(network(1), cache=Cache())(IMAGES, PLAIN)
    (first,) = kept()
    monkeypatch.setattr(_shelf, "LIMIT", int(1.5 * first.nbytes))
    Extractor(network(2), cache=Cache())(IMAGES, PLAIN)
    (left,) = kept()
    assert left.path != first.path


@pytest.mark.parametrize(
    ("available", "most", "used", "files", "wanted"),
    [
        (8000, None, None, None, 8000),
        (8000, 6000, 5000, 2000, 3000),
        (8000, 60000, 5000, 0, 8000),
        (8000, 4000, 5000, 100, 0),
    ],
)
def test_memory_is_what_machine_and_container_leave(
    available, most, used, files, wanted, tmp_path, monkeypatch
):
    """Files that were read go when there is need."""
    (tmp_path / "meminfo").write_text(f"MemFree: 1 kB\nMemAvailable: {available} kB\n")
    monkeypatch.setattr(_budget, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(_budget, "_CONTAINER", tmp_path)
    if most is not None:
        (tmp_path / "memory.max").write_text(str(most * 1024))
        (tmp_path / "memory.current").write_text(str(used * 1024))
        (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {files * 1024}\n")
    assert _budget._free_memory() == wanted * 1024


def test_half_of_the_free_memory_may_be_used(monkeypatch):
    """The other half is for the training itself."""
    from cifarkit import TwoPhaseTrainer, backbones, datasets, heads
    from cifarkit.training._inputs import data_of

    monkeypatch.setattr(_budget, "_free_memory", lambda: 1000)
    data = datasets.synthetic(50, size=64)
    for most, wanted in ((None, 500), (7, 7)):
        trainer = TwoPhaseTrainer(
            backbones.get("mobilenetv2", weights=None),
            heads.linear(),
            max_memory=most,
        )
        given = data_of(data, None, trainer.course.share)
        network = trainer.course.network(given)
        assert _budget.Budget.of(trainer.course, given, network).limit == wanted


@pytest.mark.parametrize(("error", "engine"), [(0.9e-4, "openvino"), (1.2e-4, "keras")])
def test_openvino_is_used_where_it_gives_what_keras_gives(error, engine, monkeypatch):
    """To 1e-4 of the largest value in float32, and not beyond."""
    pytest.importorskip("openvino")
    exact = _engine._by_keras

    def nearly(prefix, shape, hint):
        assert hint == "f32"
        run = exact(prefix)

        def moved(values):
            found = run(values).copy()
            found.flat[0] += error * np.abs(found).max()
            return found

        return moved

    monkeypatch.setattr(_engine, "_by_openvino", nearly)
    _, found = _engine.engine_for(network(), IMAGES[:8].astype(np.float32))
    assert found.name == {"keras": keras.backend.backend()}.get(engine, engine)
