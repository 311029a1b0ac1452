"""Every backbone of the catalog keeps one contract."""

import functools
import itertools
import json
import logging
import pickle
import re
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from cifarkit import backbones, datasets
from cifarkit._errors import InvalidArgument, UnknownName
from cifarkit._types import Model

GOLDEN = Path(__file__).parent / "golden"
NAMES = backbones.names()
SIZE = 64
# Keras writes files by a protocol that NumPy 2.4 calls outdated.
AS_KERAS_SAVES = "ignore:__array__ implementation:DeprecationWarning"


@functools.cache
def built(name: str) -> Model:
    """Build a backbone with random weights, once for all tests that only look."""
    return backbones.get(name, weights=None).build(SIZE)


@functools.cache
def images() -> np.ndarray:
    """Two RGB images in [0, 255]."""
    shape = (2, SIZE, SIZE, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_the_catalog_has_what_is_documented() -> None:
    """The six names are fixed, and `spec` gives each by its own name."""
    assert set(NAMES) == {
        *("mobilenetv2", "resnet50", "vgg16"),
        *("efficientnetb0", "densenet121", "efficientnetlite0"),
    }
    assert [backbones.spec(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(
    ("name", "default", "preprocess"),
    [
        ("mobilenetv2", "torchvision", "torch"),
        ("resnet50", "keras-v1", "caffe"),
        ("vgg16", "keras", "caffe"),
        ("efficientnetb0", "keras", "torch"),
        ("densenet121", "keras", "torch"),
        ("efficientnetlite0", "tensorflow", "lite"),
    ],
)
def test_imagenet_is_the_default_set(name: str, default: str, preprocess: str) -> None:
    """`"imagenet"` names fixed weights, with the input they were trained with."""
    backbone = backbones.get(name)
    assert (backbone.weights.name, backbone.preprocess) == (default, preprocess)
    assert backbone == backbones.get(name, weights=default)


@pytest.mark.parametrize("name", NAMES)
def test_every_set_says_its_licence_and_every_spec_its_paper(name: str) -> None:
    """Nobody has to look for the terms or the reference."""
    spec = backbones.spec(name)
    assert all(each.licence for each in spec.sets)
    assert "arXiv:" in spec.citation


@pytest.mark.parametrize("name", NAMES)
def test_features_are_a_map_of_the_promised_shape(name: str) -> None:
    """Channels, stride, name and input are what the spec says."""
    spec, model = backbones.spec(name), built(name)
    side = SIZE // spec.stride
    assert model.output_shape == (None, side, side, spec.features)
    assert model.input_shape == (None, SIZE, SIZE, 3)
    assert model.name == name


@pytest.mark.parametrize("name", NAMES)
def test_whole_numbers_and_floats_give_the_same_features(name: str) -> None:
    """Images may be uint8 or float32 in [0, 255], and the features are finite."""
    model, whole = built(name), images()
    features = np.array(model(whole.astype(np.float32)))
    assert np.isfinite(features).all()
    assert np.array_equal(features, np.array(model(whole)))


@pytest.mark.parametrize("name", NAMES)
def test_preprocessing_is_one_visible_frozen_layer(name: str) -> None:
    """It stands right behind the input, and `body` starts right behind it."""
    backbone, model = backbones.get(name, weights=None), built(name)
    first, second, *rest = model.layers
    assert isinstance(first, keras.layers.InputLayer)
    assert second.name == f"preprocess_{backbone.preprocess}"
    assert not second.trainable
    assert backbone.body(model) == rest
    assert all(layer.trainable for layer in rest)


@pytest.mark.parametrize("name", NAMES)
def test_only_built_in_layers_and_no_nested_model(name: str) -> None:
    """A saved model loads where cifarkit is not installed, and is flat."""
    for layer in built(name).layers:
        assert type(layer).__module__.startswith("keras.")
        assert not isinstance(layer, keras.Model | keras.layers.Lambda)


@pytest.mark.filterwarnings(AS_KERAS_SAVES)
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_gives_the_same_features(name: str, tmp_path: Path) -> None:
    """`.keras` in safe mode keeps weights, preprocessing and arithmetic."""
    model = built(name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    whole = images().astype(np.float32)
    assert np.array_equal(np.array(model(whole)), np.array(again(whole)))


BLOCKS = {
    "mobilenetv2": 17,
    "resnet50": 16,
    "vgg16": 5,
    "efficientnetb0": 16,
    "densenet121": 58 + 3,
    "efficientnetlite0": 16,
}


@pytest.mark.parametrize("name", NAMES)
def test_blocks_cover_the_body_between_stem_and_top(name: str) -> None:
    """Each block is one run of layers, and no layer stands between two blocks."""
    backbone = backbones.get(name, weights=None)
    body = [backbone.block_of(layer.name) for layer in backbone.body(built(name))]
    runs = [block for block, _ in itertools.groupby(body)]
    blocks = [block for block in runs if block]
    assert len(blocks) == len(set(blocks)) == BLOCKS[name]
    assert None not in runs[1:-1]


@pytest.mark.parametrize(
    ("name", "layer", "block"),
    [
        ("mobilenetv2", "expanded_conv_depthwise", "expanded_conv"),
        ("mobilenetv2", "block_11_expand", "block_11"),
        ("mobilenetv2", "Conv_1_bn", None),
        ("resnet50", "conv5_block1_1_conv", "conv5_block1"),
        ("resnet50", "conv1_bn", None),
        ("vgg16", "block5_conv1", "block5"),
        ("efficientnetb0", "block7a_expand_conv", "block7a"),
        ("efficientnetlite0", "block7a_expand_conv", "block7a"),
        ("densenet121", "conv5_block16_0_bn", "conv5_block16"),
        ("densenet121", "pool4_conv", "pool4"),
        ("densenet121", "pool1_pad", None),
    ],
)
def test_block_of_a_layer(name: str, layer: str, block: str | None) -> None:
    """The block is read from the layer's name; stem and top have none."""
    assert backbones.spec(name).block_of(layer) == block


@pytest.mark.parametrize("weights", [None, "keras"])
def test_block_starts_of_mobilenetv2(weights: str | None) -> None:
    """From the end, blocks start at the same layers in both networks."""
    backbone = backbones.get("mobilenetv2", weights=weights, size=SIZE)
    graph = backbone.weights.graph(keras.Input((SIZE, SIZE, 3)))
    names = [layer.name for layer in backbone.body(graph)]
    blocks = [backbone.block_of(name) for name in names]
    starts = [len(names) - blocks.index(f"block_{n}") for n in range(1, 17)]
    assert starts[-6:] == [56, 47, 38, 29, 20, 11]
    assert names[-56] == "block_11_expand"
    assert backbone.block_of(names[-50]) == "block_11"


def test_each_build_is_fresh() -> None:
    """Two builds share no layer, and have the same layer names."""
    backbone = backbones.get("densenet121", weights=None)
    one, two = built("densenet121"), backbone.build(SIZE)
    assert [layer.name for layer in one.layers] == [layer.name for layer in two.layers]
    assert not {id(layer) for layer in one.layers} & {id(layer) for layer in two.layers}


def test_an_unknown_name_suggests_the_nearest() -> None:
    """The text has the name that was meant, and where all names are."""
    text = r"Did you mean 'mobilenetv2'\? See cifarkit.backbones.names\(\)"
    with pytest.raises(UnknownName, match=text):
        backbones.get("mobilnetv2")
    with pytest.raises(UnknownName, match="Did you mean 'caffe'"):
        backbones.get("vgg16", preprocess="cafe")
    with pytest.raises(UnknownName, match="Did you mean 'torchvision'"):
        backbones.get("mobilenetv2", weights="torchvison")


@pytest.mark.parametrize("size", [31, 0, -96, 96.0, "96", True, None])
def test_a_size_that_cannot_be_is_refused(size: object) -> None:
    """Too small, no whole number, no number: the same error in `get` and `build`."""
    backbone = backbones.get("mobilenetv2", weights=None)
    with pytest.raises(InvalidArgument, match=re.escape(f"received {size!r}")):
        backbone.build(size)  # type: ignore[arg-type]
    if size is not None:
        with pytest.raises(InvalidArgument, match="Recommended is 160"):
            backbones.get("mobilenetv2", size=size)  # type: ignore[arg-type]


def test_a_fixed_size_is_the_only_one() -> None:
    """`get(size=)` refuses to be built for another size."""
    backbone = backbones.get("mobilenetv2", weights=None, size=96)
    with pytest.raises(InvalidArgument, match=r"Expected size 96.*received 160"):
        backbone.build(160)


def test_a_single_point_is_warned_about() -> None:
    """ResNet50 at 32 pixels has no map left; the warning says what to do."""
    backbone = backbones.get("vgg16", weights=None)
    with pytest.warns(UserWarning, match=r"single point.*such as 224"):
        model = backbone.build(32)
    assert model.output_shape == (None, 1, 1, 512)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone.build(64)


def test_another_input_than_the_trained_one_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line for each backbone that is made; none where nothing is odd."""
    with caplog.at_level(logging.WARNING, logger="cifarkit"):
        backbones.get("mobilenetv2")
        backbones.get("mobilenetv2", preprocess="torch")
        backbones.get("mobilenetv2", weights=None, preprocess="unit")
        assert not caplog.messages
        backbones.get("mobilenetv2", preprocess="unit")
    [message] = caplog.messages
    assert "'unit'" in message
    assert "trained with 'torch'" in message


def test_an_unknown_interpolation_is_refused() -> None:
    """The error names the nearest one that there is."""
    with pytest.raises(UnknownName, match="Did you mean 'bicubic'"):
        backbones.get("mobilenetv2", interpolation="bicubc")


def test_provenance_is_json() -> None:
    """It says what was chosen; source and digest are of the weights that were had."""
    backbone = backbones.get("efficientnetlite0", preprocess="raw")
    assert json.loads(json.dumps(backbone.provenance())) == {
        "backbone": "efficientnetlite0",
        "weights": "tensorflow",
        "licence": "Apache-2.0",
        "preprocess": "raw",
        "interpolation": "bicubic",
        "source": None,
        "digest": None,
    }


def test_a_backbone_is_a_value() -> None:
    """It is equal to its like, hashable, can be pickled, and prints in a line."""
    one, two = (backbones.get("vgg16", size=64) for _ in range(2))
    assert one == two
    assert len({one, two}) == 1
    assert one != backbones.get("vgg16", size=96)
    assert "0x" not in repr(one)
    assert pickle.loads(pickle.dumps(one)).provenance() == one.provenance()


def test_no_backbone_needs_tensorflow() -> None:
    """The source names no backend, so that another one may run it."""
    folder = Path(backbones.__file__).parent
    imports = re.compile(r"^\s*(import|from) (tensorflow|jax|torch)\b", re.MULTILINE)
    assert not [p.name for p in folder.glob("*.py") if imports.search(p.read_text())]


@pytest.mark.real
@pytest.mark.parametrize(
    "name", [path.name.split(".")[0] for path in sorted(GOLDEN.glob("*.npz"))]
)
def test_real_features_are_those_of_the_original(name: str) -> None:
    """From raw images on, a backbone gives what the original implementation gave."""
    backbone = backbones.get(name)
    golden = np.load(GOLDEN / f"{name}.{backbone.weights.name}.npz")
    size = int(golden["size"])
    raw = datasets.cifar10(size=size).test.images[golden["indices"]]
    resized = keras.layers.Resizing(size, size)(raw.astype(np.float32))
    features = backbone.build(size).predict(resized, verbose=0).mean((1, 2))
    difference = np.abs(features - golden["features"]).max()
    assert difference <= 1e-4 * golden["features"].max()
    assert backbone.provenance()["digest"]
    assert backbone.provenance()["source"]
