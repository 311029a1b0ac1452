"""One model, one answer in every format; nothing half-written, nothing altered."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarkit import backbones, heads, models
from cifarkit._errors import (
    CorruptFile,
    ExportError,
    InvalidArgument,
    MissingExtra,
    WriteError,
)
from cifarkit.calibration import scaled
from cifarkit.exporting import FORMATS, export
from cifarkit.exporting._graph import AnySize
from cifarkit.prediction import Predictor

NAMES = ("cat", "dog", "frog")
EXACT = tuple(name for name in FORMATS if name not in ("litert_int8", "openvino"))


def classifier(interpolation="bicubic", norm=True, native=None):
    """Return a small network with a batch norm and dropout, and fixed weights."""
    image = keras.Input((16, 16, 3))
    init = keras.initializers.GlorotUniform
    maps = keras.layers.Rescaling(1 / 255)(image)
    maps = keras.layers.Conv2D(4, 3, strides=4, kernel_initializer=init(1))(maps)
    maps = keras.layers.BatchNormalization()(maps) if norm else maps
    body = keras.Model(image, keras.layers.ReLU(6.0)(maps), name="body")
    head = heads.classifier().build(tuple(body.output_shape[1:]), 3, seed=0)
    return models.assemble(body, head, native=native, interpolation=interpolation)


def pictures(count=4, height=20, width=13, seed=0):
    """Return noise: no smooth picture shows a wrong resize so well."""
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def rows(predictor, images):
    """Return the probabilities of all images."""
    found = predictor.batch(list(images))
    return np.array([list(each.probabilities.values()) for each in found])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The small network in every format that the tests' own extras bring."""
    folder = tmp_path_factory.mktemp("exported")
    formats = [*EXACT, "litert_int8"]
    samples = pictures(100, 16, 16)
    return export(classifier(), folder, formats, class_names=NAMES, samples=samples)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("shape", [(16, 16), (32, 32), (1, 1), (7, 40), (5, 3)])
def test_every_format_gives_the_answer_of_the_model(exported, name, shape):
    """On images of any size, from a file that knows its classes."""
    predictor = Predictor(exported.paths[name])
    assert predictor.class_names == NAMES
    images = pictures(3, *shape)
    wanted = rows(Predictor(classifier(), NAMES), images)
    np.testing.assert_allclose(rows(predictor, images), wanted, atol=1e-5)
    assert exported.differences[name] <= 1e-5


def test_int8_is_near_and_its_distance_is_told(exported):
    """It is measured, and not held to what float32 explains; the resize is exact."""
    assert 1e-6 < exported.differences["litert_int8"] < 0.02
    predictor = Predictor(exported.paths["litert_int8"])
    for shape in ((16, 16), (5, 7), (40, 3)):
        wanted = rows(Predictor(classifier(), NAMES), pictures(3, *shape))
        found = rows(predictor, pictures(3, *shape))
        np.testing.assert_allclose(found, wanted, atol=0.02)
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", ["onnx", "litert", "saved_model"])
def test_an_exported_file_takes_bytes_and_needs_no_cifarkit(exported, name):
    """uint8 in, named probabilities out, in a process that knows the runtime alone."""
    code = {
        "onnx": "import onnxruntime as o; s = o.InferenceSession(sys.argv[1]); "
        "rows = s.run(['probabilities'], {'images': x})[0]",
        "litert": "from ai_edge_litert.interpreter import Interpreter as I; "
        "i = I(sys.argv[1]); t = i.get_input_details()[0]['index']; "
        "i.resize_tensor_input(t, x.shape); i.allocate_tensors(); "
        "i.set_tensor(t, x); i.invoke(); "
        "rows = i.get_tensor(i.get_output_details()[0]['index'])",
        "saved_model": "import tensorflow as tf; m = tf.saved_model.load(sys.argv[1]); "
        "rows = m.signatures['serving_default'](images=tf.constant(x))"
        "['probabilities'].numpy()",
    }[name]
    begin = "import sys, numpy as np; x = np.full((2, 9, 8, 3), 7, np.uint8); "
    end = "; assert 'cifarkit' not in sys.modules; print(rows.tolist())"
    run = [sys.executable, "-c", begin + code + end, exported.paths[name]]
    found = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)
    wanted = Predictor(classifier()).probabilities([np.full((9, 8, 3), 7, np.uint8)])
    np.testing.assert_allclose(found, [wanted[0]] * 2, atol=1e-5)


@settings(max_examples=40)
@given(
    st.integers(1, 80),
    st.integers(1, 80),
    st.integers(1, 48),
    st.sampled_from(["bicubic", "bilinear"]),
)
def test_the_resize_as_products_is_the_resize(height, width, side, interpolation):
    """Of every size to every size, smaller ones too, to a thousandth of a step."""
    layer = keras.layers.Resizing(side, side + 1, interpolation=interpolation)
    images = pictures(1, height, width).astype("float32")
    wanted = keras.ops.convert_to_numpy(layer(images))
    found = keras.ops.convert_to_numpy(AnySize(layer)(images))
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_a_temperature_is_inside_of_every_file(tmp_path):
    """What comes out is calibrated, in `.keras` and in ONNX alike."""
    found = export(classifier(), tmp_path, ["keras", "onnx"], temperature=3.0)
    wanted = rows(Predictor(scaled(classifier(), 3.0)), pictures())
    for path in found.paths.values():
        np.testing.assert_allclose(rows(Predictor(path), pictures()), wanted, atol=1e-5)
    assert np.abs(rows(Predictor(classifier()), pictures()) - wanted).max() > 1e-2
    card = json.loads((tmp_path / "export.json").read_text())
    assert card["about"]["temperature"] == 3.0


def test_a_network_of_one_size_stays_one(tmp_path):
    """Images of other sizes are fitted before, as for the model itself."""
    model = classifier(native=(12, 10))
    found = export(model, tmp_path, "onnx")
    predictor = Predictor(found.paths["onnx"])
    assert (predictor.size, predictor.fixed) == ((12, 10), True)
    wanted = rows(Predictor(model), pictures())
    np.testing.assert_allclose(rows(predictor, pictures()), wanted, atol=1e-5)


def test_a_saved_file_is_exported_with_its_names(tmp_path):
    """A `.keras` file whose classes stand beside it."""
    classifier().save(tmp_path / "model.keras")
    (tmp_path / "classes.json").write_text(json.dumps(NAMES))
    found = export(tmp_path / "model.keras", tmp_path / "out", "onnx")
    assert Predictor(found.paths["onnx"]).class_names == NAMES


def test_a_file_that_answers_otherwise_is_refused(tmp_path, monkeypatch):
    """And then the earlier export is still there, whole."""
    first = export(classifier(), tmp_path / "out", "onnx")
    before = first.paths["onnx"].read_bytes()

    def wrong(model, path, samples):
        FORMATS["onnx"][1](classifier("bilinear"), path, samples)

    monkeypatch.setitem(FORMATS, "litert", ("other.onnx", wrong))
    with pytest.raises(ExportError, match="Expected litert to give the model's"):
        export(classifier(), tmp_path / "out", ["litert"])
    assert first.paths["onnx"].read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    export(classifier(), tmp_path / "out", ["litert"], verify=False)
    assert not first.paths["onnx"].exists()


def test_what_a_converter_refuses_is_said_in_one_error(tmp_path, monkeypatch):
    """Whatever it raises, the format is named and nothing is written."""

    def fails(model, path, samples):
        raise KeyError("no such op")

    monkeypatch.setitem(FORMATS, "onnx", ("model.onnx", fails))
    with pytest.raises(ExportError, match=r"onnx can hold.*KeyError"):
        export(classifier(), tmp_path / "out", "onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verify", [True, False])
def test_what_onnx_does_not_know_is_refused(verify, tmp_path):
    """Its converter writes such a file, and says so in the log alone."""
    image = keras.Input((None, None, 3))
    small = keras.layers.Resizing(4, 4, antialias=True)(image)
    rows = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(small))
    with pytest.raises(ExportError, match=r"onnx can hold.*ScaleAndTranslate"):
        export(keras.Model(image, rows), tmp_path / "out", "onnx", verify=verify)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_run_is_refused(tmp_path, monkeypatch):
    """In the words of the export, not of the folder in which it was tried."""
    write = FORMATS["keras"][1]

    def cut(model, path, samples):
        write(model, path, samples)
        path.write_bytes(path.read_bytes()[:-100])

    monkeypatch.setitem(FORMATS, "keras", ("model.keras", cut))
    with pytest.raises(ExportError, match=r"keras to run.*CorruptFile"):
        export(classifier(), tmp_path / "out", "keras")
    assert list(tmp_path.iterdir()) == []


def test_a_card_of_another_size_is_refused(tmp_path):
    """What a runtime says of a shape is not passed on."""
    image = keras.Input((16, 16, 3))
    maps = keras.layers.Flatten()(image)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(maps))
    made = export(model, tmp_path / "out", "onnx")
    card = json.loads((made.folder / "export.json").read_text())
    (made.folder / "export.json").write_text(json.dumps({**card, "size": [8, 8]}))
    with pytest.raises(CorruptFile, match="cannot read"):
        Predictor(made.paths["onnx"])


@pytest.mark.parametrize("name", ["file.txt/out", "a" * 300])
def test_a_place_that_cannot_be_written_is_said_to_be_one(name, tmp_path):
    """Whatever the system calls it."""
    (tmp_path / "file.txt").write_text("mine")
    with pytest.raises(WriteError):
        export(classifier(), tmp_path / name, "keras")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("folder", [None, 5, "a\0b"])
def test_what_is_no_path_is_refused(folder):
    """Before anything is computed."""
    with pytest.raises(InvalidArgument, match="path of a folder"):
        export(classifier(), folder, "keras")


def test_samples_of_another_size_are_refused(tmp_path):
    """The converter would blame the network."""
    maps = keras.layers.Flatten()(image := keras.Input((16, 16, 3)))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(maps))
    with pytest.raises(InvalidArgument, match="16 x 16 pixels"):
        export(model, tmp_path / "out", "litert_int8", samples=pictures(9, 8, 8))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"formats": 5}, "Expected formats of keras"),
        ({"formats": ["tflite"]}, "Expected formats of keras"),
        ({"formats": []}, "Expected formats of keras"),
        ({"formats": "litert_int8"}, "Expected samples= for int8"),
        (
            {"formats": "litert_int8", "samples": np.zeros((2, 8, 8, 3))},
            "Expected samples= for int8.*received float64",
        ),
        ({"formats": "keras", "class_names": ["a"]}, "3 different class names"),
        ({"formats": "keras", "temperature": 0.0}, "temperature to be a number"),
    ],
)
def test_a_wrong_argument_leaves_nothing(tmp_path, options, text):
    """It is said before anything is put in place."""
    with pytest.raises(InvalidArgument, match=text):
        export(classifier(), tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_files_is_not_touched(tmp_path):
    """Only an earlier export is replaced."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="which holds other files"):
        export(classifier(), tmp_path, "keras")
    with pytest.raises(InvalidArgument, match="or is a file"):
        export(classifier(), tmp_path / "thesis.txt", "keras")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_export_with_a_file_of_yours_beside_is_not_touched(tmp_path):
    """Nor one in which the model itself lies."""
    found = export(classifier(), tmp_path / "out", "keras")
    with pytest.raises(InvalidArgument, match="or the model itself"):
        export(found.paths["keras"], tmp_path / "out", "onnx")
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="which holds other files"):
        export(classifier(), tmp_path / "out", "keras")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"
    assert found.paths["keras"].is_file()


@pytest.mark.parametrize("kind", ["folder", "link"])
@pytest.mark.parametrize("earlier", [False, True])
def test_folders_and_links_of_yours_are_not_touched(earlier, kind, tmp_path):
    """Also empty ones, and those to folders elsewhere."""
    out = tmp_path / "out"
    out.mkdir()
    if earlier:
        export(classifier(), out, "keras")
    mine = out / "mine"
    mine.mkdir() if kind == "folder" else mine.symlink_to(tmp_path)
    with pytest.raises(InvalidArgument, match="which holds other files"):
        export(classifier(), out, "keras")
    assert mine.exists()


def test_a_model_is_found_in_its_folder_by_any_path(tmp_path):
    """Spelled by way of another folder, or behind a link: it would be deleted."""
    found = export(classifier(), tmp_path / "out", "keras")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for folder in (tmp_path / "elsewhere" / ".." / "out", tmp_path / "link"):
        with pytest.raises(InvalidArgument, match="or the model itself"):
            export(found.paths["keras"], folder, "onnx")
    assert found.paths["keras"].exists()


def test_a_folder_with_a_broken_card_is_not_touched(tmp_path):
    """What it holds is not known to be an export."""
    (tmp_path / "export.json").write_text("{")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="which holds other files"):
        export(classifier(), tmp_path, "keras")


def test_names_that_are_given_are_not_looked_for(tmp_path):
    """A list of other classes beside the file does not matter then."""
    classifier().save(tmp_path / "model.keras")
    (tmp_path / "classes.json").write_text('["one", "two"]')
    found = export(
        tmp_path / "model.keras", tmp_path / "out", "keras", class_names=NAMES
    )
    assert Predictor(found.paths["keras"]).class_names == NAMES


def test_ctrl_c_while_folders_are_swapped_keeps_the_earlier_one(tmp_path, monkeypatch):
    """The temporary folder, in which it lies for a moment, is deleted."""
    first = export(classifier(), tmp_path / "out", "keras")
    before = first.paths["keras"].read_bytes()
    rename = Path.rename

    def interrupted(self, target):
        if self.name == "part":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(classifier(), tmp_path / "out", "keras")
    assert first.paths["keras"].read_bytes() == before


@pytest.mark.parametrize("name", ["model.keras", "classes.json"])
def test_a_changed_network_or_names_are_refused(tmp_path, name):
    """Names in another order would be wrong labels, silently."""
    found = export(classifier(), tmp_path / "out", "keras", class_names=NAMES)
    path = found.folder / name
    path.write_bytes(path.read_bytes().replace(b"cat", b"cow") + b" ")
    with pytest.raises(CorruptFile, match="or other"):
        Predictor(found.paths["keras"])


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("shape", [(40, 60), (17, 16), (33, 3)])
def test_the_resize_inside_shrinks_too(exported, name, shape):
    """A file that is given larger images than the network sees, by another program."""
    images = list(pictures(2, *shape))
    wanted = Predictor(classifier()).probabilities(images)
    found = Predictor(exported.paths[name]).probabilities(images)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_changed_file_is_not_run(tmp_path):
    """Its digest stands in the card; nothing is read of a file that has another."""
    found = export(classifier(), tmp_path / "out", ["onnx", "saved_model"])
    path = found.paths["onnx"]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CorruptFile, match="or other"):
        Predictor(path)
    path.unlink()
    with pytest.raises(CorruptFile, match="nothing is there"):
        Predictor(path)
    (found.paths["saved_model"] / "fingerprint.pb").unlink()
    with pytest.raises(CorruptFile, match="received none, or"):
        Predictor(found.paths["saved_model"])
    (found.paths["saved_model"] / "extra").write_text("x")
    with pytest.raises(CorruptFile, match="or other"):
        Predictor(found.paths["saved_model"])


@pytest.mark.parametrize("card", [None, "", "[]", "{}", '{"size": "ab"}', "[" * 10**5])
def test_a_file_without_its_card_says_so(tmp_path, exported, card):
    """A lone file does not say at which size the network sees images."""
    path = tmp_path / "model.onnx"
    path.write_bytes(exported.paths["onnx"].read_bytes())
    if card is not None:
        (tmp_path / "export.json").write_text(card)
    with pytest.raises(CorruptFile, match=r"Expected export\.json"):
        Predictor(path)


def test_a_runtime_that_is_not_installed_is_named(exported, monkeypatch):
    """With the line that installs it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"cifarkit\[export\]"):
        Predictor(exported.paths["onnx"])


@pytest.mark.real
def test_the_real_backbone_is_exported_exactly(tmp_path):
    """MobileNetV2 with its ImageNet weights, on golden images of five sizes."""
    body = backbones.get("mobilenetv2").build(96)
    head = heads.classifier().build(tuple(body.output_shape[1:]), 10, seed=0)
    found = export(models.assemble(body, head), tmp_path, EXACT)
    assert max(found.differences.values()) < 1e-5
