"""`.keras` files: what users save is loaded, what could harm is not."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers, ops

from cifarkit._errors import CorruptFile
from cifarkit.models import check_hdf5, loaded

IMAGE = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)


@keras.saving.register_keras_serializable(package="tests")
class Doubled(layers.Layer):
    """A layer of a user's own."""

    def call(self, values):
        """Return twice the values."""
        return 2 * values


def divided(image):
    """Operations of Keras without a layer."""
    return ops.relu(image / 2.0 - image[:, ::-1]) + ops.mean(image)


def nested(image):
    """A model inside of a model."""
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])
    return inner(image)


BODIES = {
    "operations": divided,
    "nested": nested,
    "registered": lambda image: Doubled()(image),
    "normalised": lambda image: layers.Normalization(mean=0.5, variance=0.1)(image),
    "in bfloat16": lambda image: layers.Conv2D(2, 3, dtype="mixed_bfloat16")(image),
    "a constraint": lambda image: layers.Conv2D(2, 3, kernel_constraint="max_norm")(
        image
    ),
}


def saved(path, body):
    """Save a model, and return it."""
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, body(image))
    model.save(path)
    return model


@pytest.mark.parametrize("kind", BODIES)
def test_what_keras_saves_is_loaded(kind, tmp_path):
    """Layers, operations, models in models, and what the process has registered."""
    model = saved(tmp_path / "m.keras", BODIES[kind])
    again = loaded(tmp_path / "m.keras")
    given, found = (each.predict(IMAGE, verbose=0) for each in (model, again))
    np.testing.assert_array_equal(found, given)
    assert not getattr(again, "compiled", False)


@pytest.mark.parametrize(
    ("name", "module", "registered"),
    [
        ("Lambda", "keras.layers", None),
        ("system", "os", None),
        ("system", "os", "tests>Doubled"),
        ("get_file", "keras.utils", None),
        ("numpy", "keras.src.ops", None),
        ("get_file", "keras.src.utils.file_utils", None),
        ("function", "os", "system"),
    ],
)
def test_what_names_something_else_is_refused(name, module, registered, tmp_path):
    """Even under the name of something that is registered."""
    path, odd = tmp_path / "m.keras", tmp_path / "odd.keras"
    saved(path, BODIES["registered"])
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(odd, "w") as made:
        for member in given.namelist():
            content = given.read(member)
            if member == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1].update(
                    class_name=name, module=module, registered_name=registered
                )
                if name == "function":
                    config["config"]["layers"][1]["config"] = registered
                content = json.dumps(config)
            made.writestr(member, content)
    with pytest.raises(CorruptFile, match="is refused"):
        loaded(odd)


def looped(root):
    """A group that holds the one above it."""
    root.create_group("a")["up"] = root["/"]


def doubled(root):
    """Groups that are reached by ever more ways."""
    group = root.create_group("g")
    for number in range(40):
        outer = root.create_group(f"g{number}")
        outer["one"] = outer["two"] = group
        group = outer


@pytest.mark.parametrize("fill", [looped, doubled])
def test_groups_that_are_reached_twice_are_refused(fill, tmp_path):
    """At once, however many ways there are."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as root:
        fill(root)
    with pytest.raises(ValueError, match="is a link"):
        check_hdf5(path)


def test_compressed_weights_are_read_up_to_a_bound(tmp_path):
    """Tools repack files; a bound of the model's own size keeps bombs out."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as root:
        root.create_dataset("a", data=np.zeros(10**5, "f4"), compression="gzip")
    check_hdf5(path, most=10**6)
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        check_hdf5(path, most=1000)
    with pytest.raises(ValueError, match="larger than what it holds"):
        check_hdf5(path)
