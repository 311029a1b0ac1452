"""Activations on disk: keys that cannot lie, fills that cannot break."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cifarkit
from cifarkit import _sealed, _store, augment
from cifarkit._errors import (
    InvalidArgument,
    InvalidData,
    SourceError,
    TrainingError,
)
from cifarkit.activations import (
    PLAIN,
    Cache,
    Engine,
    Extractor,
    Flips,
    Key,
    _engine,
    _extract,
    _filling,
    _key,
    _shelf,
    extract,
    kept,
    preferred,
    prune,
    size,
    views_of,
)
from cifarkit.activations._codec import Codec
from cifarkit.activations._extract import _Work

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 4, 4, 3), np.uint8)
ENGINE = Engine("tensorflow")


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)
    return tmp_path


def network(*, size=6, scale=1.0, epsilon=1e-3, interpolation="bilinear"):
    """Return a small frozen part."""
    # Keras counts the names of an input and of a layer without one.
    given = keras.Input((4, 4, 3))
    maps = keras.layers.Resizing(size, size, interpolation=interpolation)(given)
    maps = keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(scale)(maps))
    maps = keras.layers.BatchNormalization(epsilon=epsilon)(maps)
    model = keras.Model(given, maps)
    random = np.random.default_rng(1)
    model.set_weights([random.random(each.shape) for each in model.get_weights()])
    return model


def key_of(prefix=None, images=IMAGES, views=PLAIN, cache=None, engine=ENGINE):
    """Return the key of an extraction."""
    work = _Work(Extractor(prefix or network(), cache=cache), images, views)
    return work._key_of(engine)


@given(st.data())
def test_each_field_changes_the_digest(data):
    """A key that differs in one letter of one field is another key."""
    text = st.text(min_size=1, max_size=12)
    names = [field.name for field in fields(Key)]
    key = Key(**{name: data.draw(text) for name in names})
    name = data.draw(st.sampled_from(names))
    other = replace(key, **{name: data.draw(text)})
    assert (other.digest == key.digest) == (other == key)
    # Nor can what one field ends with be what the next begins with.
    place = data.draw(st.integers(0, len(names) - 2))
    first, second = names[place : place + 2]
    ours, theirs = getattr(key, first), getattr(key, second)
    moved = {first: ours + theirs[0], second: theirs[1:]}
    assert replace(key, **moved).digest != key.digest


@pytest.mark.parametrize("field", ["prefix", "images", "views"])
def test_a_key_with_an_empty_field_is_not_complete(field):
    """What could not be written down would share one entry with all its like."""
    whole = Key("p", "i", "v", "float16")
    assert whole.complete
    assert not replace(whole, **{field: ""}).complete


def test_the_version_of_what_computes_is_in_the_key(monkeypatch):
    """TensorFlow has two names; an upgrade of either engine is another key."""

    def version(package):
        if package == "tensorflow":
            raise _key.metadata.PackageNotFoundError(package)
        return {"tensorflow-cpu": "9.8", "openvino": "7.6"}[package]

    monkeypatch.setattr(_key.metadata, "version", version)
    found = _key.versions_of("openvino")
    assert found.endswith("tensorflow 9.8, openvino 7.6")


@given(position=st.integers(0, 10**6), flip=st.integers(0, 31))
def test_one_bit_of_one_weight_misses(position, flip):
    """Every weight counts, to the last bit."""
    model = network()
    weights = model.get_weights()
    flat = weights[position % len(weights)].reshape(-1)
    bits = flat.view(np.uint32)
    bits[position % len(bits)] ^= np.uint32(1 << flip)
    model.set_weights(weights)
    assert _key.prefix_digest(model) != _key.prefix_digest(network())


@given(position=st.integers(0, IMAGES.size - 1), change=st.integers(1, 255))
def test_one_pixel_misses(position, change):
    """Every pixel counts."""
    images = IMAGES.copy()
    images.reshape(-1)[position] ^= np.uint8(change)
    assert _key.images_digest(images) != _key.images_digest(IMAGES)


@pytest.mark.parametrize(
    "other",
    [
        {"images": IMAGES[::-1]},
        {"images": IMAGES[:-1]},
        {"images": IMAGES.reshape(-1, 4, 4, 3)[:, ::-1]},
        {"images": IMAGES.reshape(150, 8, 4, 3)},
        {"views": Flips(mirrored=True)},
        {"views": views_of(augment.compose([augment.crop(1)]), 2)},
        {"cache": Cache(dtype="float32")},
        {"cache": Cache(dtype="bfloat16")},
        {"engine": Engine("openvino")},
        {"engine": Engine("tensorflow", "bfloat16")},
        {"engine": Engine("tensorflow", device="gpu")},
        {"engine": Engine("tensorflow", rounding="bf16")},
        {"prefix": network(size=7)},
        {"prefix": network(interpolation="nearest")},
        {"prefix": network(scale=0.5)},
        {"prefix": network(epsilon=1e-2)},
    ],
)
def test_one_flag_misses(other):
    """Order, size, resize, preprocessing, layer, type, engine: each makes a new key."""
    assert key_of(**other) != key_of()
    assert key_of(**other).digest != key_of().digest


def nudged(array):
    """Return a copy in which the last bit of the first value is another."""
    copy = array.copy()
    copy.view(np.uint8).reshape(-1)[0] ^= np.uint8(1)
    return copy


def other_network():
    """Return the frozen part with one bit of one weight changed."""
    model = network()
    first, *rest = model.get_weights()
    model.set_weights([nudged(first), *rest])
    return model


@pytest.mark.parametrize(
    "other",
    [
        {"inputs": nudged(IMAGES)},
        {"inputs": IMAGES[::-1]},
        {"views": Flips(mirrored=True)},
        {"cache": Cache(dtype="float32")},
        {"prefix": network(scale=0.5)},
        {"prefix": other_network()},
    ],
)
def test_what_differs_is_computed_and_kept_beside(other):
    """A look-up for anything else finds nothing, and the first stays as it was."""
    given = {"prefix": network(), "inputs": IMAGES, "views": PLAIN, "cache": Cache()}
    first = extract(**given).view(0)
    extract(**given | other)
    assert len(kept()) == 2
    np.testing.assert_array_equal(extract(**given).view(0), first)
    assert len(kept()) == 2


def halved(values):
    """Return values in a way of one's own."""
    return values / 2.0


@keras.saving.register_keras_serializable()
class Sharpen(keras.layers.Layer):
    """A layer of one's own, whose code may be another tomorrow."""

    def call(self, values):
        return values * 2.0


def gelu(values):
    """Return what Keras' function of that name does not."""
    return values + 10.0


class Scripted(Sharpen):
    """The same in a script that is run itself: Keras notes no module of it."""

    __module__ = "__main__"


@pytest.mark.parametrize(
    "layer",
    [
        Sharpen(),
        Scripted(),
        keras.layers.Lambda(halved),
        keras.layers.Activation(halved),
        keras.layers.Activation(gelu),
    ],
    ids=["layer", "scripted", "lambda", "function", "namesake"],
)
def test_what_is_not_keras_own_is_never_kept(layer):
    """Its name and settings stay when its code changes."""
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.Sequential([layer])])
    assert not _Work(Extractor(model), IMAGES, PLAIN)._key.complete
    extract(model, IMAGES)
    assert not kept()


def test_the_device_is_part_of_the_key(monkeypatch):
    """A GPU multiplies with fewer bits, unasked."""
    assert preferred("float32") == ENGINE
    monkeypatch.setattr("keras.distribution.list_devices", lambda *_: ["gpu:0"])
    assert preferred("float32") == replace(ENGINE, device="gpu")
    monkeypatch.setattr(
        "cifarkit.models.computing.accelerators", lambda: ["NVIDIA H100"]
    )
    known = preferred("float32")
    assert known == replace(ENGINE, device="gpu (NVIDIA H100)")
    assert str(known) == "tensorflow on gpu (NVIDIA H100)"


@pytest.mark.parametrize(
    "name", ["TF_SET_ONEDNN_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE"]
)
def test_fewer_bits_by_the_environment_are_part_of_the_key(name, monkeypatch):
    """It is float32 still, but other values come out on some processors."""
    monkeypatch.setenv(name, "strict")
    assert preferred("float32") == ENGINE
    monkeypatch.setenv(name, "BF16")
    assert preferred("float32") == replace(ENGINE, rounding="bf16")
    assert str(preferred("float32")) != str(ENGINE)


@given(st.data())
def test_each_choice_of_a_network_changes_the_digest(data):
    """Whatever is chosen by chance: one key exactly where all choices are the same."""
    choices = {
        "size": st.integers(3, 6),
        "scale": st.sampled_from([1.0, 0.5, 1 / 255]),
        "epsilon": st.sampled_from([1e-3, 1e-5]),
        "interpolation": st.sampled_from(["bilinear", "bicubic", "nearest"]),
    }
    ways = {
        "dtype": st.sampled_from(["float32", "float16", "bfloat16", "int8"]),
        "precision": st.sampled_from(["float32", "bfloat16"]),
        "device": st.sampled_from(["cpu", "gpu"]),
        "rounding": st.sampled_from(["", "bf16"]),
    }
    pair = [data.draw(st.tuples(*map(st.fixed_dictionaries, (choices, ways))))] * 2
    if data.draw(st.booleans()):
        pair[1] = data.draw(st.tuples(*map(st.fixed_dictionaries, (choices, ways))))
    keys = [
        key_of(
            network(**layers),
            cache=Cache(dtype=way["dtype"]),
            engine=Engine("keras", way["precision"], way["device"], way["rounding"]),
        )
        for layers, way in pair
    ]
    assert (keys[0].digest == keys[1].digest) == (pair[0] == pair[1])


def test_a_rewrite_of_tensorflows_graphs_is_part_of_the_key():
    """It multiplies in bfloat16, and calls it float32."""
    tf = pytest.importorskip("tensorflow")
    name = "auto_mixed_precision_onednn_bfloat16"
    before = preferred("float32")
    tf.config.optimizer.set_experimental_options({name: True})
    try:
        assert preferred("float32") == replace(before, rounding=name)
    finally:
        tf.config.optimizer.set_experimental_options({name: False})
    assert preferred("float32") == before


def test_two_builds_of_one_network_hit():
    """A key that is never met again would be safe and of no use."""
    assert key_of() == key_of()


@pytest.mark.parametrize("pair", [(1, 2), (2, 3)])
def test_views_of_another_policy_or_number_miss(pair):
    """The amount of a crop counts, and how many views there are."""
    policies = [augment.compose([augment.crop(each)]) for each in pair]
    one, other = (key_of(views=views_of(each, 2)) for each in policies)
    assert one != other
    counts = [key_of(views=views_of(policies[0], each)) for each in pair]
    assert counts[0] != counts[1]


@pytest.mark.parametrize(
    ("module", "name"), [(cifarkit, "__version__"), (keras, "__version__")]
)
def test_another_version_misses(module, name, monkeypatch):
    """What another version computes may differ."""
    before = key_of()
    monkeypatch.setattr(module, name, "0.0.0")
    assert key_of() != before


def test_activations_of_activations_depend_on_both():
    """What is computed from what is kept depends on how that is kept."""
    given = keras.Input((4, 4, 2))
    rest = keras.Model(given, keras.layers.GlobalMaxPooling2D(name="pool")(given))
    keys = []
    for dtype in ("float32", "float16"):
        first = extract(network(), IMAGES, cache=Cache(dtype=dtype))
        keys.append(key_of(rest, first))
        pooled = extract(rest, first, cache=Cache(dtype="float32"))
        assert np.array_equal(
            pooled.view(0), first.view(0).max(axis=(1, 2)).astype(np.float32)
        )
    assert keys[0] != keys[1]


def test_a_frozen_part_is_made_ready_once(monkeypatch):
    """Training and validation images share what takes seconds to compile."""
    made = []

    def engine_for(*arguments):
        made.append(arguments)
        return _engine.engine_for(*arguments)

    monkeypatch.setattr("cifarkit.activations._extract.engine_for", engine_for)
    frozen = Extractor(network())
    for images in (IMAGES, IMAGES[:20]):
        assert len(frozen(images)) == len(images)
    assert len(made) == 1


def test_what_is_kept_is_read_and_not_computed(monkeypatch):
    """The second time, nothing runs."""
    first = extract(network(), IMAGES, Flips(mirrored=True))
    monkeypatch.setattr("cifarkit.activations._extract.engine_for", None)
    second = extract(network(), IMAGES, Flips(mirrored=True))
    for view in range(2):
        assert np.array_equal(first.view(view), second.view(view))
    assert first.digest == second.digest
    assert len(second) == len(IMAGES)
    expected = network().predict(IMAGES.astype(np.float32), verbose=0)
    np.testing.assert_allclose(second.view(0), expected, 2e-3, 1e-2)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8"])
def test_memory_and_disk_give_the_same(dtype):
    """Wherever they are kept, and whatever in."""
    views = Flips(mirrored=True)
    memory = extract(network(), IMAGES, views, cache=Cache(dtype=dtype, disk=False))
    assert not kept()
    disk = extract(network(), IMAGES, views, cache=Cache(dtype=dtype), max_memory=0)
    assert len(kept()) == 1
    assert np.array_equal(memory.view(1), disk.view(1))
    assert memory.nbytes == disk.nbytes
    noise = np.random.default_rng(0).random((300, 1), dtype=np.float32)
    chosen = np.arange(300)[::-1]
    assert np.array_equal(memory.take(chosen, noise), disk.take(chosen, noise))


def test_activations_keep_their_views():
    """What a later part gives for them is as many."""
    views = Flips(mirrored=True)
    first = extract(network(), IMAGES, views)
    later = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.ReLU()])
    second = extract(later, first)
    assert len(second.views) == 2
    np.testing.assert_array_equal(second.view(1), np.maximum(first.view(1), 0))


def test_no_image_is_refused():
    """Whoever filters all of them away is told so."""
    with pytest.raises(InvalidData, match="at least one image"):
        extract(network(), IMAGES[:0])


@pytest.mark.parametrize("harm", ["content", "record", "missing", "other", "shorter"])
def test_a_damaged_entry_is_computed_again(harm, store, caplog):
    """A changed byte, a lost file, a record of something else: never read."""
    before = extract(network(), IMAGES).view(0)
    (entry,) = kept()
    values = entry.path / "values.npy"
    if harm == "content":
        content = bytearray(values.read_bytes())
        content[-3] ^= 1
        values.write_bytes(content)
    elif harm == "record":
        (entry.path / "record.sealed").write_text("{")
    elif harm == "missing":
        values.unlink()
    elif harm == "shorter":
        values.write_bytes(values.read_bytes()[:-10])
    else:
        record = _sealed.read(entry.path / "record.sealed")
        record["key"]["views"] = "others"
        _sealed.write(entry.path / "record.sealed", record)
    assert np.array_equal(extract(network(), IMAGES).view(0), before)
    assert "computed again" in caplog.text
    assert len(kept()) == 1


def test_a_leftover_of_another_process_of_this_number_hides_nothing(store):
    """Numbers of processes come again, above all in containers."""
    before = extract(network(), IMAGES).view(0)
    (entry,) = kept()
    gone = entry.path.with_name(f".part-{entry.path.name}-gone-{os.getpid()}")
    gone.mkdir()
    (gone / "values.npy").write_bytes(b"x")
    (entry.path / "values.npy").write_bytes(b"x")
    assert np.array_equal(extract(network(), IMAGES).view(0), before)


def test_an_entry_that_cannot_be_opened_now_is_not_thrown_away(monkeypatch, caplog):
    """No descriptor left, or no right to read: that says nothing of what it holds."""
    before = extract(network(), IMAGES).view(0)
    (entry,) = kept()

    def crowded(path):
        raise OSError(24, "Too many open files", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(_sealed, "read", crowded)
        assert _shelf.read(entry.key) is None
    assert "Too many open files" in caplog.text
    assert kept() == (entry,)
    monkeypatch.setattr("cifarkit.activations._extract.engine_for", None)
    assert np.array_equal(extract(network(), IMAGES).view(0), before)


def test_what_a_source_says_is_said_as_it_is(store):
    """Not that the disk was full; and what it gave before is not trusted either."""
    work = _Work(Extractor(network()), IMAGES, PLAIN)
    filling = _filling.Filling(work._key_of(ENGINE), Codec("float32", (2,)), 300)

    def broken():
        yield 1, {"values": np.zeros((1, 2), np.float32)}
        raise SourceError("It was changed while it was read: run again.")

    with pytest.raises(SourceError, match=r"^It was changed"):
        filling.write(broken(), 0)
    assert not list((store / "activations").glob(".part-*"))


def test_another_users_leftover_does_not_stop_a_sweep(store, monkeypatch):
    """Its lock may not be ours to take: what was computed is in its place by then."""
    part = store / "activations" / ".part-0123"
    part.mkdir(parents=True)
    os.utime(part, (0, 0))

    def theirs(name):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cifarkit._store.lock_if_free", theirs)
    assert len(extract(network(), IMAGES)) == len(IMAGES)
    assert len(kept()) == 1


@pytest.mark.parametrize("rows", [-1, 10**9, "many", 299])
def test_a_note_that_cannot_be_true_is_not_believed(rows, store):
    """A part that says it holds more than it does is begun anew."""
    work = _Work(Extractor(network()), IMAGES, PLAIN)
    part = store / "activations" / f".part-{work._key_of(ENGINE).digest}"
    part.mkdir(parents=True)
    _sealed.write(part / "progress.sealed", {"rows": rows, "digests": {}})
    (part / "values.npy").write_bytes(b"x" * 1000)
    right = extract(network(), IMAGES, cache=Cache(disk=False)).view(0)
    assert np.array_equal(extract(network(), IMAGES).view(0), right)
    assert len(kept()) == 1


def test_what_is_kept_is_read_from_a_full_disk(monkeypatch):
    """Room is needed to write, not to read."""
    extract(network(), IMAGES)
    monkeypatch.setattr(_shelf, "LIMIT", 1)
    monkeypatch.setattr("cifarkit.activations._extract.engine_for", None)
    assert len(extract(network(), IMAGES, max_memory=1)) == 300


def test_a_network_of_unknown_size_is_refused():
    """And one of two outputs; nothing can be kept of them."""
    given = keras.Input((None, None, 3))
    maps = keras.layers.Conv2D(2, 3)(given)
    small = keras.Input((4, 4, 3))
    several = keras.Model(small, [small, keras.layers.ReLU()(small)])
    for prefix in (keras.Model(given, maps), several):
        with pytest.raises(InvalidArgument, match="one output whose size is known"):
            extract(prefix, IMAGES)


def test_what_was_begun_counts_as_room(store, monkeypatch):
    """A fill that was killed goes on where the disk has become too full to begin."""
    monkeypatch.setattr(_filling, "SECONDS", 0.0)
    made, rows = _extract.engine_for, []

    def counting(prefix, sample, precision):
        run, engine = made(prefix, sample, precision)

        def counted(batch):
            rows.append(len(batch))
            if len(rows) == 3:
                raise KeyboardInterrupt
            return run(batch)

        return counted, engine

    monkeypatch.setattr(_extract, "engine_for", counting)
    with pytest.raises(KeyboardInterrupt):
        extract(network(), IMAGES)
    (part,) = (store / _shelf.FOLDER).glob(".part-*")
    begun = sum(path.stat().st_size for path in part.iterdir())
    whole = len(IMAGES) * 4 * 4 * 2 * 2
    free = int(2 * whole - begun) + 8
    assert whole > free * _shelf.SHARE
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda *_: usage)
    extract(network(), IMAGES, max_memory=0)
    assert len(kept()) == 1
    assert len(rows) == 4  # two batches, one that was killed, and that one again


def test_a_full_disk_says_so_and_leaves_nothing(store, monkeypatch):
    """One clear error, and no half entry."""

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_filling, "_flush", full)
    with pytest.raises(SourceError, match=r"No space left.*disk=False"):
        extract(network(), IMAGES)
    assert not list((store / "activations").iterdir())


def test_what_fits_nowhere_is_refused(monkeypatch):
    """Neither disk nor memory: said before anything is computed."""
    monkeypatch.setattr(_shelf, "LIMIT", 1)
    with pytest.raises(SourceError, match="int8"):
        extract(network(), IMAGES, max_memory=1)
    assert len(extract(network(), IMAGES, max_memory=10**6)) == 300
    assert not kept()


def test_listing_size_and_pruning():
    """The least recently used go first, and what is open stays readable."""
    made = [extract(network(size=each), IMAGES) for each in (6, 7, 8)]
    for index, entry in enumerate(kept()):
        os.utime(entry.path / "record.sealed", (index, index))
    before = kept()
    assert size() == sum(entry.nbytes for entry in before)
    extract(network(size=6), IMAGES)  # the oldest is used again
    gone = prune(size() - 1)
    assert [entry.key for entry in gone] == [before[1].key]
    assert len(kept()) == 2
    prune()
    assert kept() == ()
    assert size() == 0
    assert np.isfinite(made[0].view(0)).all()


def test_what_could_not_be_deleted_is_not_said_to_be(monkeypatch):
    """The store may be another user's."""
    extract(network(), IMAGES)

    def theirs(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", theirs)
    assert prune() == ()
    assert len(kept()) == 1


def test_files_of_others_are_never_touched(store):
    """What else lies in the folder is no entry."""
    extract(network(), IMAGES)
    other = store / "activations" / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("keep")
    prune()
    assert (other / "notes.txt").read_text() == "keep"


def test_a_store_that_cannot_be_written_is_done_without(monkeypatch):
    """The activations stay in memory."""
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    assert len(extract(network(), IMAGES)) == 300
    assert not kept()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What processes left that were killed while they filled, and what came then."""
    environment = {
        **os.environ,
        "CIFARKIT_HOME": str(tmp_path_factory.mktemp("killed")),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    script = Path(__file__).with_name("killed_fills.py")
    done = subprocess.run(
        [sys.executable, script],
        env=environment,
        cwd=script.parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_kill_at_any_moment_costs_nothing_but_time(killed):
    """Twenty processes are killed in the fill; the next one ends it."""
    progress = [each["rows"] for each in killed["kills"]]
    assert len(progress) == 20
    assert [each["kept"] for each in killed["kills"]] == [0] * 20
    assert progress == sorted(progress)
    assert 0 < progress[-1] < 600
    assert killed["rest"]["batches"] == 600 - progress[-1]


def test_what_was_killed_and_resumed_is_right(killed):
    """The activations are those of a fill that nobody killed, to the last bit."""
    assert killed["again"]["batches"] == 0
    whole = [each["total"] for each in killed["both"]]
    assert [killed["rest"]["total"], killed["again"]["total"]] == whole
    assert float(whole[0]) > 0


def test_kill_in_a_commit_leaves_all_or_nothing(killed):
    """In each step between the last batch and the end; the next one has it right."""
    found = killed["commits"]
    assert [each["kept"] for each in found.values()] == [0, 0, 0, 0, 0, 1]
    assert {each["total"] for each in found.values()} == {killed["both"][0]["total"]}
    assert [each["batches"] for each in found.values()] == [0, 0, 0, 12, 12, 0]


def test_two_processes_compute_once(killed):
    """One fills, the other waits and reads."""
    assert sorted(each["batches"] for each in killed["both"]) == [0, 600]


def test_the_record_says_what_an_entry_is():
    """A person who looks at the store can tell what to delete."""
    extract(network(), IMAGES)
    (entry,) = kept()
    record = _sealed.read(entry.path / "record.sealed")
    assert record["key"] == asdict(entry.key)
    assert entry.path.name == entry.key.digest
    assert entry.key.engine == keras.backend.backend()
    with _store.lock_if_free(entry.key.digest) as free:
        assert free


def test_what_cannot_be_kept_leaves_nothing(store):
    """The same values would be met again: a part of them is of no use to anybody."""
    images = IMAGES.copy()
    images[-1] = 255
    model = keras.Sequential(
        [keras.Input(IMAGES.shape[1:]), keras.layers.Rescaling(70_000 / 255)]
    )
    with pytest.raises(TrainingError, match="fit float16"):
        extract(model, images, cache=Cache(dtype="float16"))
    assert not list((store / "activations").glob(".part-*"))


def test_a_fill_in_progress_is_not_pruned(store):
    """What somebody fills stays; what nobody fills goes."""
    work = _Work(Extractor(network()), IMAGES, PLAIN)
    key = work._key_of(ENGINE)
    part = store / "activations" / f".part-{key.digest}"
    part.mkdir(parents=True)
    with _shelf.lock(key):
        prune()
        assert part.is_dir()
    prune()
    assert not part.exists()
