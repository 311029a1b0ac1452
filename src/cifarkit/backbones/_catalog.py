"""The table of backbones: one entry each, and nothing else."""

from cifarkit._registry import Registry
from cifarkit.backbones import _keras_sets
from cifarkit.backbones._efficientnet_lite import LITE0, lite0_graph
from cifarkit.backbones._efficientnet_lite import read_pth as read_lite0
from cifarkit.backbones._mobilenetv2 import TORCHVISION, torchvision_graph
from cifarkit.backbones._mobilenetv2 import read_pth as read_mobilenetv2
from cifarkit.backbones._resnet50 import KERAS_V1, keras_v1_graph
from cifarkit.backbones._spec import BackboneSpec, WeightSet
from cifarkit.backbones._weights import stored

_CATALOG = Registry[BackboneSpec]("backbone", listing="cifarkit.backbones.names()")


def names() -> tuple[str, ...]:
    """Return the names of all backbones."""
    return _CATALOG.names()


def spec(name: str) -> BackboneSpec:
    """Return what is known about a backbone: nothing is built or fetched.

    Raises:
        UnknownName: no backbone has that name; the text suggests the nearest.
    """
    return _CATALOG.get(name)


_SPECS = (
    BackboneSpec(
        name="mobilenetv2",
        title="MobileNetV2",
        features=1280,
        recommended=160,
        blocks=r"(expanded_conv|block_\d+)_",
        sets=(
            WeightSet(
                "torchvision",
                torchvision_graph,
                "torch",
                fill=stored(TORCHVISION),
                licence="BSD-3-Clause",
                readers={".pth": read_mobilenetv2},
            ),
            _keras_sets.MOBILENETV2,
        ),
        citation="Sandler et al., MobileNetV2, CVPR 2018, arXiv:1801.04381",
    ),
    BackboneSpec(
        name="resnet50",
        title="ResNet50",
        features=2048,
        recommended=224,
        blocks=r"(conv\d_block\d)_",
        sets=(
            WeightSet(
                "keras-v1",
                keras_v1_graph,
                "caffe",
                fill=stored(KERAS_V1),
                licence="MIT",
            ),
            _keras_sets.RESNET50,
        ),
        citation="He et al., Deep Residual Learning, CVPR 2016, arXiv:1512.03385",
    ),
    BackboneSpec(
        name="vgg16",
        title="VGG16",
        features=512,
        recommended=224,
        blocks=r"(block\d)_",
        sets=(_keras_sets.VGG16,),
        citation="Simonyan and Zisserman, VGG, ICLR 2015, arXiv:1409.1556",
    ),
    BackboneSpec(
        name="efficientnetb0",
        title="EfficientNet-B0",
        features=1280,
        recommended=224,
        blocks=r"(block\d[a-z])_",
        sets=(_keras_sets.EFFICIENTNETB0,),
        citation="Tan and Le, EfficientNet, ICML 2019, arXiv:1905.11946",
    ),
    BackboneSpec(
        name="densenet121",
        title="DenseNet121",
        features=1024,
        recommended=224,
        blocks=r"(conv\d_block\d+|pool[2-4])_",  # a transition is a block too
        sets=(_keras_sets.DENSENET121,),
        citation="Huang et al., DenseNet, CVPR 2017, arXiv:1608.06993",
    ),
    BackboneSpec(
        name="efficientnetlite0",
        title="EfficientNet-Lite0",
        features=1280,
        recommended=224,
        blocks=r"(block\d[a-z])_",
        sets=(
            WeightSet(
                "tensorflow",
                lite0_graph,
                "lite",
                fill=stored(LITE0),
                licence="Apache-2.0",
                readers={".pth": read_lite0},
            ),
        ),
        citation="Tan and Le, EfficientNet, ICML 2019, arXiv:1905.11946; Lite, 2020",
    ),
)
for _spec in _SPECS:
    _CATALOG.add(_spec.name, _spec)
