"""The three ported networks: their layers without weights, their features with them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from cifarkit import _sources, datasets
from cifarkit._sources import ArraySet
from cifarkit._types import Floats, Model
from cifarkit.backbones._assign import assign
from cifarkit.backbones._efficientnet_lite import LITE0, lite0_graph
from cifarkit.backbones._mobilenetv2 import TORCHVISION, torchvision_graph
from cifarkit.backbones._resnet50 import KERAS_V1, keras_v1_graph

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Port:
    """A ported network, with the preprocessing that its weights were trained with."""

    weights: ArraySet
    graph: Callable[..., Model]
    preprocess: Callable[[Floats], Floats]


def torch_style(images: Floats) -> Floats:
    """Return images of mean 0 and deviation 1 over ImageNet."""
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    return ((images / 255 - mean) / deviation).astype(np.float32)


def caffe_style(images: Floats) -> Floats:
    """Return BGR images less the mean of ImageNet."""
    return (images[..., ::-1] - [103.939, 116.779, 123.68]).astype(np.float32)


PORTS = {
    port.weights.name: port
    for port in (
        Port(TORCHVISION, torchvision_graph, torch_style),
        Port(KERAS_V1, keras_v1_graph, caffe_style),
        Port(LITE0, lite0_graph, lambda images: (images - 127) / 128),
    )
}


@pytest.mark.real
@pytest.mark.parametrize("name", PORTS)
def test_features_are_those_of_the_original(name: str) -> None:
    """Pooled features of real images equal what the original implementation gave."""
    port, golden = PORTS[name], np.load(GOLDEN / f"{name}.npz")
    size = int(golden["size"])
    images = datasets.cifar10(size=size).test.images[golden["indices"]]
    resized = keras.layers.Resizing(size, size)(images.astype(np.float32))
    model = port.graph(keras.Input((size, size, 3)))
    assign(model, _sources.load(port.weights).arrays)
    inputs = port.preprocess(keras.ops.convert_to_numpy(resized))
    features = model.predict(inputs, verbose=0).mean((1, 2))
    difference = np.abs(features - golden["features"]).max()
    assert difference <= 1e-4 * golden["features"].max()


@pytest.mark.parametrize(
    ("block", "count"), [(11, 56), (12, 47), (13, 38), (14, 29), (15, 20), (16, 11)]
)
def test_blocks_of_mobilenetv2_start_where_they_do_in_keras(
    block: int, count: int
) -> None:
    """The last 56, 47, 38, 29, 20 and 11 layers start at an expansion."""
    model = torchvision_graph(keras.Input((96, 96, 3)))
    assert model.layers[-count].name == f"block_{block}_expand"


def test_mobilenetv2_has_the_layers_of_keras_and_one_padding_more() -> None:
    """Names, order and weights are those of keras.applications."""
    ours = torchvision_graph(keras.Input((96, 96, 3)))
    theirs = keras.applications.MobileNetV2(
        (96, 96, 3), include_top=False, weights=None
    )
    names = [layer.name for layer in ours.layers[1:]]
    assert names.pop(0) == "Conv1_pad"
    assert names == [layer.name for layer in theirs.layers[1:]]
    assert shapes(ours) == shapes(theirs)


def test_resnet50_has_the_epsilon_of_its_weights_after_a_reload() -> None:
    """Every batch norm divides by the variance plus 1e-3, in the saved model too."""
    model = keras_v1_graph(keras.Input((64, 64, 3)))
    again = keras.Model.from_config(model.get_config())
    norms = [
        layer
        for layer in again.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 53
    assert {layer.epsilon for layer in norms} == {1e-3}


def test_lite0_has_the_blocks_of_efficientnetb0_without_squeeze_excite() -> None:
    """Blocks, weights and their shapes are those of B0 less the squeeze and excite."""
    ours = shapes(lite0_graph(keras.Input((96, 96, 3))))
    theirs = shapes(
        keras.applications.EfficientNetB0(
            include_top=False, weights=None, input_shape=(96, 96, 3)
        )
    )
    assert ours == {
        path: shape
        for path, shape in theirs.items()
        if "_se_" not in path and not path.startswith("normalization")
    }


@pytest.mark.parametrize("name", PORTS)
def test_a_graph_starts_at_the_source_of_its_tensor(name: str) -> None:
    """Layers before the tensor belong to the model, and odd sizes work."""
    inputs = keras.Input((33, 47, 3))
    model = PORTS[name].graph(keras.layers.Rescaling(2.0, name="before")(inputs))
    assert model.inputs[0] is inputs
    assert model.layers[1].name == "before"
    assert model.output_shape[:3] == (None, 2, 2)


def shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight."""
    return {weight.path: tuple(weight.shape) for weight in model.weights}
