"""What the argument `weights=` means."""

import functools
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from cifarkit import backbones
from cifarkit._errors import CorruptFile, InvalidArgument, SourceError, UnknownName
from cifarkit._sources import ArraySet, Loaded
from cifarkit._types import Model
from cifarkit.backbones import _weights

# Keras writes files by a protocol that NumPy 2.4 calls outdated.
AS_KERAS_SAVES = "ignore:__array__ implementation:DeprecationWarning"
pytestmark = pytest.mark.filterwarnings(AS_KERAS_SAVES)
SIZE = 64


@functools.cache
def vgg16() -> Model:
    """A VGG16 with random weights."""
    return backbones.get("vgg16", weights=None).build(SIZE)


def arrays(model: Model) -> dict[str, np.ndarray]:
    """Return the weights of a body by `"layer/variable"`."""
    return {
        variable.path: variable.numpy()
        for variable in model.weights
        if not variable.path.startswith("preprocess")
    }


def same(one: Model, two: Model) -> bool:
    """Tell whether two models have the same weights, preprocessing included."""
    return all(map(np.array_equal, one.get_weights(), two.get_weights()))


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5", ".h5"])
def test_a_file_brings_its_weights(suffix: str, tmp_path: Path) -> None:
    """Arrays by name, a Keras file and a published file give the weights back."""
    path = tmp_path / f"mine{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays(vgg16()))
    elif suffix == ".h5":
        body = keras.applications.VGG16(include_top=False, weights=None)
        body.set_weights(list(arrays(vgg16()).values()))
        write_published(path, body)
    else:
        vgg16().save_weights(path)
    backbone = backbones.get("vgg16", weights=path)
    assert same(backbone.build(SIZE), vgg16())
    provenance = backbone.provenance()
    assert provenance["source"] == f"file {path.name}"
    assert (provenance["weights"], provenance["preprocess"]) == (path.name, "caffe")
    assert len(provenance["digest"]) == 64


def write_published(path: Path, model: Model) -> None:
    """Write a file as keras.applications publishes them: layers in order."""
    with h5py.File(path, "w") as file:
        weighty = [layer for layer in model.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in weighty]
        for layer in weighty:
            group = file.create_group(layer.name)
            names = [f"{layer.name}_{n}".encode() for n in range(len(layer.weights))]
            group.attrs["weight_names"] = names
            for name, array in zip(names, layer.get_weights(), strict=True):
                group[name.decode()] = array


def test_a_file_for_one_of_the_sets_brings_its_graph_and_input(tmp_path: Path) -> None:
    """A published `.h5` belongs to the network of keras.applications, not to a port."""
    path = tmp_path / "mobilenet.h5"
    path.touch()
    backbone = backbones.get("mobilenetv2", weights=str(path))
    assert backbone.preprocess == "tf"
    assert (
        backbone.weights.graph is backbones.spec("mobilenetv2").weights("keras").graph
    )
    path = path.with_suffix(".pth")
    path.touch()
    assert backbones.get("mobilenetv2", weights=path).preprocess == "torch"


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5", ".h5", ".pth"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no weights", b"\x80\x04."])
def test_a_file_that_is_no_weights_is_refused(
    suffix: str, content: bytes, tmp_path: Path
) -> None:
    """Whatever the bytes are, the error is ours, and says which file."""
    path = tmp_path / f"odd{suffix}"
    path.write_bytes(content)
    name = "mobilenetv2" if suffix == ".pth" else "vgg16"
    with pytest.raises(CorruptFile):
        backbones.get(name, weights=path).build(SIZE)


def test_a_published_file_has_its_arrays_in_itself(tmp_path: Path) -> None:
    """What lies in another file is not read, before Keras looks at anything."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"block1_conv1"]
        secret = [(str(tmp_path / "secret"), 0, 8)]
        file.create_dataset("block1_conv1", (2,), np.float32, external=secret)
    with pytest.raises(CorruptFile, match="lies elsewhere"):
        backbones.get("vgg16", weights=path).build(SIZE)


@pytest.mark.parametrize("odd", [np.array([print], dtype=object), np.array(["one"])])
def test_arrays_that_are_no_numbers_are_refused(
    odd: np.ndarray, tmp_path: Path
) -> None:
    """A pickle inside an `.npz` is not loaded, and text is no weight."""
    np.savez(tmp_path / "odd.npz", **(arrays(vgg16()) | {"block1_conv1/bias": odd}))
    with pytest.raises(CorruptFile, match=r"odd\.npz"):
        backbones.get("vgg16", weights=tmp_path / "odd.npz").build(SIZE)


@pytest.mark.parametrize("change", ["missing", "unused", "shape"])
def test_arrays_of_another_network_are_refused(change: str, tmp_path: Path) -> None:
    """One array too few, too many or of another shape, and nothing is set."""
    content = arrays(vgg16())
    if change == "missing":
        del content["block1_conv1/kernel"]
    elif change == "unused":
        content["block9_conv9/kernel"] = np.zeros(3, np.float32)
    else:
        content["block1_conv1/bias"] = np.zeros(3, np.float32)
    np.savez(tmp_path / "odd.npz", **content)
    with pytest.raises(CorruptFile):
        backbones.get("vgg16", weights=tmp_path / "odd.npz").build(SIZE)


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5"])
def test_a_file_cannot_change_the_preprocessing(suffix: str, tmp_path: Path) -> None:
    """The constants of the preprocessing are ours, whatever a file says."""
    path = tmp_path / f"odd{suffix}"
    if suffix == ".npz":
        bias = {"preprocess_caffe/bias": np.zeros(3, np.float32)}
        np.savez(path, **(arrays(vgg16()) | bias))
    else:
        odd = keras.models.clone_model(vgg16())
        odd.set_weights(vgg16().get_weights())
        odd.get_layer("preprocess_caffe").bias.assign(np.zeros(3))
        odd.save_weights(path)
    assert same(backbones.get("vgg16", weights=path).build(SIZE), vgg16())


def test_a_missing_file_is_no_unknown_set(tmp_path: Path) -> None:
    """A path and a name have an error each."""
    for path in (tmp_path / "gone.npz", "gone.npz", "folder/gone", str(tmp_path)):
        with pytest.raises(SourceError, match="no file is there"):
            backbones.get("vgg16", weights=path)
    with pytest.raises(UnknownName, match="Did you mean 'keras'"):
        backbones.get("vgg16", weights="kears")
    with pytest.raises(UnknownName, match="Unknown weight set of vgg16 5"):
        backbones.get("vgg16", weights=5)  # type: ignore[arg-type]


def test_a_suffix_that_is_not_read_is_refused(tmp_path: Path) -> None:
    """The error lists those that are, for this backbone."""
    path = tmp_path / "vgg16.pth"
    path.touch()
    with pytest.raises(InvalidArgument, match=r"\.npz, \.weights\.h5, \.h5; received"):
        backbones.get("vgg16", weights=path)


def test_a_named_set_comes_from_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, source and digest are those that the chain gives."""
    asked: list[ArraySet] = []

    def load(wanted: ArraySet) -> Loaded:
        asked.append(wanted)
        return Loaded(arrays(vgg16()), "a mirror", "0123")

    monkeypatch.setattr(_weights, "load", load)
    backbone = backbones.get("vgg16")
    assert same(backbone.build(SIZE), vgg16())
    assert [each.name for each in asked] == ["vgg16.keras"]
    provenance = backbone.provenance()
    assert (provenance["source"], provenance["digest"]) == ("a mirror", "0123")
