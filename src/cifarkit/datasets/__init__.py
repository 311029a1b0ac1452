"""Images to train and to test on, from wherever they are, as plain NumPy arrays.

Most functions return `Splits`: training, validation and test images as uint8 arrays.
CIFAR and arrays keep their native size; `from_folder` resizes its files. Nothing is
scaled before it reaches a network, so that the same arrays serve every backbone.
"""

from cifarkit.datasets._arrays import from_arrays, split_of
from cifarkit.datasets._channels import Channel, channels
from cifarkit.datasets._cifar import cifar10, cifar100
from cifarkit.datasets._folder import from_folder
from cifarkit.datasets._splits import Split, Splits
from cifarkit.datasets._synthetic import synthetic

__all__ = [
    "Channel",
    "Split",
    "Splits",
    "channels",
    "cifar10",
    "cifar100",
    "from_arrays",
    "from_folder",
    "split_of",
    "synthetic",
]
