"""The weights that keras.applications publishes, by their own addresses.

The MD5 digests are those that Keras itself checks; for MobileNetV2 it has none.
"""

import logging
from functools import partial
from pathlib import Path

from keras import applications

from cifarkit._sources import Address, ArraySet, KerasCache, Origin
from cifarkit._types import Arrays, Model
from cifarkit.backbones._keras_graphs import Constructor, graph_of, read
from cifarkit.backbones._spec import Filled, Reader, WeightSet
from cifarkit.backbones._weights import stored

_HOST = "https://storage.googleapis.com"
_FOLDER = f"{_HOST}/tensorflow/keras-applications"
_KERNELS = "weights_tf_dim_ordering_tf_kernels"
_MOBILENET_SIZES = (96, 128, 160, 192, 224)
_log = logging.getLogger(__name__)


def _fill_mobilenetv2(model: Model, size: int) -> Filled:
    """Fill by the checkpoint of a size: as in Keras, that of 224 for any other."""
    trained = size if size in _MOBILENET_SIZES else 224
    if trained != size:
        _log.info("Keras has no MobileNetV2 for %d pixels: 224's is used.", size)
    url = f"{_FOLDER}/mobilenet_v2/mobilenet_v2_{_KERNELS}_1.0_{trained}_no_top.h5"
    arrays = _arrays(f"mobilenetv2.keras-{trained}", url, _read_unhashed)
    return stored(arrays)(model, size)


def _read_unhashed(path: Path) -> Arrays:
    _log.warning("Keras publishes no digest of %s: it is taken as it is.", path.name)
    return read(applications.MobileNetV2, path)


def _arrays(name: str, url: str, reader: Reader, *, md5: str = "") -> ArraySet:
    file = url.rsplit("/", 1)[-1]
    sources = (KerasCache(file, folder="models", md5=md5), Address(url, md5=md5))
    return ArraySet(name, "", tuple(Origin(source, reader) for source in sources))


def _published(
    constructor: Constructor, url: str, *, md5: str, preprocess: str, licence: str
) -> WeightSet:
    reader = partial(read, constructor)
    name = f"{constructor.__name__.lower()}.keras"
    arrays = _arrays(name, url, reader, md5=md5)
    return WeightSet(
        "keras",
        graph_of(constructor),
        preprocess,
        fill=stored(arrays),
        licence=licence,
        readers={".h5": reader},
    )


MOBILENETV2 = WeightSet(
    "keras",
    graph_of(applications.MobileNetV2),
    "tf",
    fill=_fill_mobilenetv2,
    licence="Apache-2.0",
    readers={".h5": partial(read, applications.MobileNetV2)},
)
RESNET50 = _published(
    applications.ResNet50,
    f"{_FOLDER}/resnet/resnet50_{_KERNELS}_notop.h5",
    md5="4d473c1dd8becc155b73f8504c6f6626",
    preprocess="caffe",
    licence="MIT",
)
VGG16 = _published(
    applications.VGG16,
    f"{_FOLDER}/vgg16/vgg16_{_KERNELS}_notop.h5",
    md5="6d6bbae143d832006294945121d1f1fc",
    preprocess="caffe",
    licence="CC-BY-4.0",
)
EFFICIENTNETB0 = _published(
    applications.EfficientNetB0,
    f"{_HOST}/keras-applications/efficientnetb0_notop.h5",
    md5="50bc09e76180e00e4465e1a485ddc09d",
    preprocess="torch",
    licence="Apache-2.0",
)
DENSENET121 = _published(
    applications.DenseNet121,
    f"{_FOLDER}/densenet/densenet121_{_KERNELS}_notop.h5",
    md5="30ee3e1110167f948a6b9946edeeb738",
    preprocess="torch",
    licence="BSD-3-Clause",
)
