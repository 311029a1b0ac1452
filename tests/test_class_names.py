"""Names of classes, wherever they come from: of two alike an answer would lose one."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from cifarkit import Phase, TwoPhaseTrainer, datasets
from cifarkit._errors import CorruptFile, InvalidArgument, InvalidData, WriteError
from cifarkit.exporting import export
from cifarkit.prediction import Predictor

DATA = datasets.synthetic(60, size=8, classes=3)
IMAGE = np.zeros((8, 8, 3), np.uint8)


def network():
    """Return a small network of one size."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    scale = keras.layers.Rescaling(1 / 255)
    return keras.Sequential([keras.Input((8, 8, 3)), scale, *layers])


def learned(data):
    """Return what a short training gives."""
    phase = Phase(epochs=1, learning_rate=1e-3)
    trainer = TwoPhaseTrainer(network(), phase_1=phase, phase_2=None, verbose=0)
    return trainer.fit(data)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a result."""
    return learned(DATA).save(tmp_path_factory.mktemp("result") / "mine")


def stream(names):
    """Return a data set of TensorFlow with names of its own."""
    batches = DATA.train.to_tf(16)
    batches.class_names = names
    return batches


def test_names_of_a_stream_are_those_of_the_result():
    """As `image_dataset_from_directory` gives them."""
    found = learned(stream(["cat", "dog", "frog"]))
    assert found.provenance["class_names"] == ["cat", "dog", "frog"]


@pytest.mark.parametrize(
    "names", [["a", "a", "b"], ["a", "b"], ["a", "b", "c", "d"], ["a", "b", ""]]
)
def test_names_of_a_stream_that_do_not_fit_are_refused(names):
    """Nothing else takes their place silently."""
    with pytest.raises(InvalidData, match="names"):
        learned(stream(names))


def changed(saved, folder, names):
    """Return a copy of a result with other names in its record."""
    folder.mkdir()
    for path in saved.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    record = json.loads((folder / "result.json").read_text())
    record["provenance"]["class_names"] = names
    (folder / "result.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize(
    "names", [["a", "b"], ["a", "a", "b"], None, 3, [1, 2, 3], ["\ud800", "b", "c"]]
)
@pytest.mark.parametrize("file", ["", "model.keras"])
def test_names_in_a_changed_record_are_refused(names, file, saved, tmp_path):
    """When it is loaded, and not at the first answer."""
    folder = changed(saved, tmp_path / "other", names)
    with pytest.raises(CorruptFile, match=r"class names.*result\.json"):
        Predictor(folder / file)


def test_a_model_of_a_result_has_its_names_without_the_other_files(saved, tmp_path):
    """The weights of the phases play no part in an answer."""
    for name in ("model.keras", "result.json"):
        (tmp_path / name).write_bytes((saved / name).read_bytes())
    predictor = Predictor(tmp_path / "model.keras")
    assert predictor.class_names == DATA.train.class_names
    with (tmp_path / "model.keras").open("ab") as file:
        file.write(b"x")
    with pytest.raises(CorruptFile, match="SHA-256"):
        Predictor(tmp_path / "model.keras")


def test_a_model_whose_save_was_killed_is_the_new_one(saved, tmp_path):
    """Its record counts; the model that waits beside takes its place before."""
    for path in saved.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.keras").rename(tmp_path / "model.keras.new")
    other = network()
    other.layers[-1].bias.assign([9.0, 0.0, 0.0])
    other.save(tmp_path / "model.keras")
    found = Predictor(tmp_path / "model.keras")(IMAGE)
    assert found.probabilities == Predictor(saved)(IMAGE).probabilities


def test_a_file_of_that_name_that_is_no_record_says_nothing(saved, tmp_path):
    """People keep figures of their own under it."""
    (tmp_path / "model.keras").write_bytes((saved / "model.keras").read_bytes())
    (tmp_path / "result.json").write_text('{"accuracy": 0.9}')
    assert Predictor(tmp_path / "model.keras").class_names == ("0", "1", "2")


def test_an_export_of_a_file_knows_how_it_came_about(saved, tmp_path):
    """As that of the folder does."""
    made = export(saved / "model.keras", tmp_path / "out", "keras")
    about = json.loads((made.folder / "export.json").read_text())["about"]
    assert about["training"]["n_train"] == len(DATA.train)
    assert Predictor(made.paths["keras"]).class_names == DATA.train.class_names


@pytest.mark.parametrize(
    "names", ["abc", 5, ["a", "b"], ["a", "a", "b"], ["\ud800"] * 3]
)
def test_given_names_that_do_not_fit_are_refused(names):
    """One text is no list of letters."""
    with pytest.raises(InvalidArgument, match="3 different class names"):
        Predictor(network(), names)


def test_names_that_utf_8_cannot_hold_stop_no_service(saved, tmp_path):
    """They are refused where they are read."""
    made = export(saved, tmp_path / "out", "keras")
    (made.folder / "export.json").unlink()
    (made.folder / "classes.json").write_text('["\\ud800", "b", "c"]')
    with pytest.raises(CorruptFile, match="different class names"):
        Predictor(made.paths["keras"])


@pytest.mark.parametrize("names", ["cat", 3])
def test_names_of_arrays_are_a_list(names):
    """One text is no list of letters here, either."""
    with pytest.raises(InvalidData, match="class_names as a list"):
        datasets.from_arrays(IMAGE[None], [0], class_names=names)


def test_names_of_a_stream_may_be_an_array():
    """NumPy has no truth value of several."""
    found = learned(stream(np.array(["cat", "dog", "frog"])))
    assert found.provenance["class_names"] == ["cat", "dog", "frog"]


def test_a_result_without_names_is_exported_with_numbers(tmp_path):
    """As a network without them is."""
    result = learned(DATA)
    bare = {k: v for k, v in result.provenance.items() if k != "class_names"}
    made = export(replace(result, provenance=bare), tmp_path / "out", "keras")
    assert Predictor(made.paths["keras"]).class_names == ("0", "1", "2")


def test_a_result_is_not_saved_under_a_name_that_no_folder_may_have(tmp_path):
    """The error is ours, and nothing is left."""
    with pytest.raises(WriteError):
        learned(DATA).save(tmp_path / ("a" * 300))
    assert list(tmp_path.iterdir()) == []


def test_a_predictor_that_is_used_wrongly_says_so():
    """No error of Python's own comes out."""
    predictor = Predictor(network())
    with pytest.raises(InvalidArgument, match="such as a list of paths"):
        predictor.batch(5)
    for most in (None, "9", 0):
        with pytest.raises(InvalidArgument, match="max_pixels"):
            Predictor(network(), max_pixels=most)
