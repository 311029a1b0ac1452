"""The weights that keras.applications publishes."""

import inspect
import logging
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.applications import densenet, efficientnet, mobilenet_v2, resnet, vgg16

from cifarkit import backbones
from cifarkit._errors import CorruptFile, SourceError
from cifarkit._sources import Address, ArraySet, Loaded
from cifarkit.backbones import _keras_graphs, _keras_sets, _weights

# Keras writes files by a protocol that NumPy 2.4 calls outdated.
AS_KERAS_SAVES = "ignore:__array__ implementation:DeprecationWarning"
pytestmark = pytest.mark.filterwarnings(AS_KERAS_SAVES)
SETS = {
    "mobilenetv2": mobilenet_v2.MobileNetV2,
    "resnet50": resnet.ResNet50,
    "vgg16": vgg16.VGG16,
    "efficientnetb0": efficientnet.EfficientNetB0,
    "densenet121": densenet.DenseNet121,
}
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[ArraySet]:
    """Collect the array sets that are asked of the chain, which gives none."""
    found: list[ArraySet] = []

    def load(wanted: ArraySet) -> Loaded:
        found.append(wanted)
        raise SourceError("none")

    monkeypatch.setattr(_weights, "load", load)
    return found


def ask(name: str, size: int) -> None:
    """Ask for the weights of Keras, and let it fail."""
    fill = backbones.get(name, weights="keras").weights.fill
    assert fill is not None
    with pytest.raises(SourceError):
        fill(keras.Sequential(), size)


@pytest.mark.parametrize("name", SETS)
def test_addresses_and_digests_are_those_of_keras(
    name: str, asked: list[ArraySet]
) -> None:
    """Folder, file name and MD5 stand in the source of the installed Keras."""
    ask(name, 160)
    module = inspect.getmodule(inspect.unwrap(SETS[name]))
    source = inspect.getsource(module).replace('"\\n        "', "")
    [address] = [o.source for o in asked[0].origins if isinstance(o.source, Address)]
    folder = address.url.removeprefix("https://storage.googleapis.com/").split("/")[-2]
    assert f"{folder}/" in source
    if name != "mobilenetv2":
        assert f'"{address.md5}"' in source
    assert asked[0].name.startswith(f"{name}.keras")


@pytest.mark.parametrize(
    ("size", "trained"), [(96, 96), (160, 160), (224, 224), (100, 224), (64, 224)]
)
def test_mobilenetv2_has_a_checkpoint_for_each_size(
    size: int, trained: int, asked: list[ArraySet], caplog: pytest.LogCaptureFixture
) -> None:
    """Five sizes have their own; any other takes that of 224, and says so."""
    with caplog.at_level(logging.INFO, logger="cifarkit"):
        ask("mobilenetv2", size)
    [wanted] = asked
    assert all(f"_1.0_{trained}_no_top.h5" in o.source.label for o in wanted.origins)
    assert wanted.name == f"mobilenetv2.keras-{trained}"
    assert bool(caplog.messages) == (size != trained)


def test_mobilenetv2_says_that_nobody_publishes_its_digest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is read, with one line in the log."""
    model = keras.applications.MobileNetV2(include_top=False, weights=None)
    path = tmp_path / "some.weights.h5"
    model.save_weights(path)
    arrays = _keras_sets._read_unhashed(path)
    assert np.array_equal(arrays["Conv1/kernel"], model.weights[0].numpy())
    assert "publishes no digest of some.weights.h5" in caplog.text


def test_without_any_source_the_error_lists_every_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It names the cache, the address, the reasons, and the way out."""
    monkeypatch.setenv("CIFARKIT_OFFLINE", "1")
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(SourceError) as caught:
        backbones.get("vgg16").build(64)
    text = str(caught.value)
    file = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"Keras cache models/{file}: no such file" in text
    assert f"vgg16/{file}: CIFARKIT_OFFLINE=1 forbids downloads" in text
    assert "cifarkit fetch vgg16" in text


def test_a_broken_file_in_the_keras_cache_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What does not pass the published MD5 is a try that failed."""
    monkeypatch.setenv("CIFARKIT_OFFLINE", "1")
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    file = tmp_path / "keras/models/densenet121_weights_tf_dim_ordering_tf_kernels"
    file.parent.mkdir(parents=True)
    file.with_name(f"{file.name}_notop.h5").write_bytes(b"half a download")
    with pytest.raises(SourceError, match="expected md5 30ee3e1110167f948a6b9946"):
        backbones.get("densenet121").build(64)


def test_efficientnet_scales_once(tmp_path: Path) -> None:
    """Ours, on RGB in [0, 255], equals Keras's, which scales inside itself.

    The published file keeps deviations as variances, and Keras divides by their root
    again; `(x - mean) / deviation` is what both come to, here by true variances.
    """
    constructor = keras.applications.EfficientNetB0
    theirs = constructor(include_top=False, weights=None, input_shape=(64, 64, 3))
    scaling = theirs.layers[2]
    scaling.set_weights([MEAN, DEVIATION, np.zeros((), np.int32)])
    theirs.save_weights(tmp_path / "b0.weights.h5")
    arrays = _keras_graphs.read(constructor, tmp_path / "b0.weights.h5")
    np.savez(tmp_path / "b0.npz", **arrays)
    ours = backbones.get("efficientnetb0", weights=tmp_path / "b0.npz").build(64)
    scaling.set_weights([MEAN, DEVIATION**2, np.zeros((), np.int32)])
    scaling.finalize_state()
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("f4")
    expected = np.array(theirs(images))
    assert np.allclose(np.array(ours(images)), expected, rtol=1e-3, atol=1e-6)
    assert expected.std() > 0


@pytest.mark.parametrize("odd", [(MEAN + 0.1, DEVIATION), (MEAN, DEVIATION**2)])
def test_efficientnet_with_another_scaling_is_refused(
    odd: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """A file whose statistics are not ImageNet's would need another input."""
    h5py.File(tmp_path / "odd.h5", "w").close()
    mean, variance = odd
    layer = keras.layers.Normalization(mean=mean, variance=variance)
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    with pytest.raises(CorruptFile, match=r"channel statistics.*in odd\.h5"):
        _keras_graphs.read(lambda **_: model, tmp_path / "odd.h5")


def test_an_unhashed_file_of_another_network_is_a_try_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no digest is published, the format and the shapes still count."""
    monkeypatch.setenv("CIFARKIT_OFFLINE", "1")
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    kernels = "weights_tf_dim_ordering_tf_kernels"
    file = tmp_path / f"keras/models/mobilenet_v2_{kernels}_1.0_96_no_top.h5"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half a download")
    with pytest.raises(SourceError, match="a file that Keras refuses"):
        backbones.get("mobilenetv2", weights="keras").build(96)
