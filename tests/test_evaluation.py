"""An evaluation says what the model did, survives JSON, and refuses bad input."""

import copy
import json
import pickle
from dataclasses import dataclass, replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarkit import evaluate as evaluate_of_the_root
from cifarkit import metrics
from cifarkit._errors import InvalidArgument, InvalidData, WriteError
from cifarkit.evaluation import Evaluation, Mistake, evaluate, probabilities
from strategies import evaluations, matrices

NAMES = tuple("abcdefghijkl")


@dataclass
class Split:
    """Images, labels and names, as a data set's split has them."""

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...] = NAMES


class Pixels(keras.Model):
    """A model whose probabilities are the image's own values, divided by their sum."""

    def call(self, images):
        """Give the probabilities `(N, H * W * 3)`."""
        values = keras.ops.reshape(images, (keras.ops.shape(images)[0], -1))
        return values / keras.ops.sum(values, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def pixels():
    """One model for all tests, so that it is traced once."""
    return Pixels()


def drawn(seed: int, n: int) -> Split:
    """Images of 2 x 2 pixels, so of 12 probabilities, and random labels."""
    generator = np.random.default_rng(seed)
    images = generator.integers(1, 256, (n, 2, 2, 3), dtype=np.uint8)
    return Split(images, generator.integers(0, 12, n))


def answered(images: np.ndarray) -> np.ndarray:
    """What `Pixels` gives."""
    values = images.reshape(len(images), -1).astype(np.float32)
    return values / values.sum(axis=1, keepdims=True)


def classifier(*, size=None, classes=12, activation="softmax", penalty=None):
    """A small model of one dense layer."""
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(
                classes, activation=activation, kernel_regularizer=penalty
            ),
        ]
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_figures_are_those_of_the_probabilities(pixels, seed, n):
    """Every figure is the metric of what the model gave, image by image."""
    split = drawn(seed, n)
    found, probabilities = evaluate(pixels, split), answered(split.images)
    predicted = probabilities.argmax(axis=1)
    assert found.n == n
    assert found.accuracy == metrics.accuracy(split.labels, predicted)
    low, high = found.interval
    assert low <= found.accuracy <= high
    assert found.loss == pytest.approx(
        metrics.cross_entropy(split.labels, probabilities)
    )
    assert found.ece == pytest.approx(
        metrics.calibration_error(split.labels, probabilities)
    )
    assert list(found.top_k) == [1, 3, 5]
    assert found.top_k[1] == found.accuracy
    matrix = metrics.confusion(split.labels, predicted, classes=12)
    assert (found.confusion == matrix).all()
    assert [row.support for row in found.per_class] == matrix.sum(axis=1).tolist()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_worst_mistakes_are_the_surest(pixels, seed, n):
    """Mistakes name the image, both classes, and come by falling confidence."""
    split = drawn(seed, n)
    worst, probabilities = evaluate(pixels, split).worst, answered(split.images)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != split.labels)
    assert len(worst) == min(20, len(wrong))
    sure = sorted(probabilities.max(axis=1)[wrong], reverse=True)[:20]
    assert [m.confidence for m in worst] == pytest.approx(sure)
    for mistake in worst:
        assert mistake.true == NAMES[split.labels[mistake.index]]
        assert mistake.predicted == NAMES[probabilities[mistake.index].argmax()]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_tta_averages_image_and_mirror_image(pixels, seed, n):
    """With tta the figures are those of the mean of both probabilities."""
    split = drawn(seed, n)
    found = evaluate(pixels, split, tta=True)
    mirrored = answered(split.images[:, :, ::-1])
    mean = (answered(split.images) + mirrored) / 2
    assert found.tta
    assert found.loss == pytest.approx(metrics.cross_entropy(split.labels, mean))
    assert found.accuracy == metrics.accuracy(split.labels, mean.argmax(axis=1))


@pytest.mark.parametrize("n", [127, 128, 129, 300])
def test_batches_keep_the_order(pixels, n):
    """Images on both sides of a batch's end are neither lost nor swapped."""
    split = drawn(0, n)
    found = evaluate(pixels, split)
    predicted = answered(split.images).argmax(axis=1)
    assert (
        found.confusion == metrics.confusion(split.labels, predicted, classes=12)
    ).all()


def test_memory_is_bounded(pixels, monkeypatch):
    """No call of the model is given more than 128 images, and none is repeated."""
    sizes = []
    original = Pixels.predict_on_batch

    def counted(self, images):
        sizes.append(len(images))
        return original(self, images)

    monkeypatch.setattr(Pixels, "predict_on_batch", counted)
    evaluate(pixels, drawn(0, 300))
    assert sizes == [128, 128, 44]


def test_a_tuple_is_named_by_numbers(pixels):
    """Images and labels alone give classes named 0, 1, 2 and the same figures."""
    split = drawn(1, 30)
    found = evaluate(pixels, (split.images, split.labels.astype(np.uint8)))
    assert found.class_names == tuple(str(number) for number in range(12))
    assert replace(found, class_names=NAMES, worst=()) == replace(
        evaluate(pixels, split), worst=()
    )


def test_few_classes_limit_top_k():
    """With two classes there is a top 1 and no top 3."""
    split = drawn(0, 5)
    split = Split(split.images, split.labels % 2, ("cat", "dog"))
    assert list(evaluate(classifier(classes=2), split).top_k) == [1]


def test_objective_is_what_keras_reports():
    """Loss is the data term; objective adds the penalties, as `model.evaluate` does."""
    split, model = drawn(0, 40), classifier(penalty=keras.regularizers.L2(0.3))
    found = evaluate(model, split)
    assert found.objective > found.loss
    model.compile(loss="sparse_categorical_crossentropy")
    theirs = model.evaluate(split.images, split.labels, verbose=0)
    assert found.objective == pytest.approx(theirs, rel=1e-4)


def test_activity_penalties_are_left_out():
    """A penalty that belongs to a batch neither counts nor breaks the evaluation."""
    model = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(12, "softmax", activity_regularizer="l2"),
        ]
    )
    found = evaluate(model, drawn(0, 5))
    assert found.objective == found.loss


def test_evaluate_is_silent(pixels, capfd):
    """Nothing is printed."""
    evaluate(pixels, drawn(0, 5))
    assert capfd.readouterr() == ("", "")


def test_the_root_has_it():
    """The function of the facade is this one, not the module."""
    assert evaluate_of_the_root is evaluate


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"images": np.zeros((0, 2, 2, 3), np.uint8)}, "at least one image"),
        ({"images": np.zeros((2, 2, 2), np.uint8)}, r"shape \(2, 2, 2\)"),
        ({"images": np.zeros((2, 2, 2, 1), np.uint8)}, r"shape \(N, H, W, 3\)"),
        ({"images": [np.zeros((2, 2, 3), np.uint8)] * 2}, "received list"),
        ({"images": np.full((2, 2, 2, 3), 0.5)}, "Multiply by 255"),
        ({"images": np.full((2, 2, 2, 3), 99.5)}, "float64.*uint8"),
        ({"images": np.full((2, 2, 2, 3), 99)}, "int64.*uint8"),
        ({"labels": np.array([0, 12])}, "below 12"),
        ({"labels": np.array([0, -1])}, "from -1"),
        ({"labels": np.array([[0], [1]])}, r"labels\[:, 0\]"),
        ({"labels": np.eye(12)[:2]}, "argmax"),
        ({"labels": np.array([0, 1, 2])}, "2 images and 3 labels"),
        ({"labels": np.array([0.0, 1.0])}, "astype"),
        ({"class_names": ("one", "two")}, r"shape \(N, 2\).*shape \(2, 12\)"),
        ({"class_names": ("a",) * 12}, "different class names"),
        ({"class_names": ()}, "different class names"),
    ],
)
def test_bad_splits_are_refused(pixels, change, hint):
    """Each kind of wrong images, labels or names gets one error with the way out."""
    split = Split(np.ones((2, 2, 2, 3), np.uint8), np.array([0, 1]))
    with pytest.raises(InvalidData, match=hint):
        evaluate(pixels, replace(split, **change))


def test_labels_beyond_the_model_are_refused(pixels):
    """Without names it is the model that says how many classes there are."""
    with pytest.raises(InvalidData, match="below 12"):
        evaluate(pixels, (np.ones((2, 2, 2, 3), np.uint8), np.array([0, 12])))


@pytest.mark.parametrize("split", [SimpleNamespace(test=1), None, (1, 2, 3)])
def test_other_things_than_splits_are_refused(pixels, split):
    """All three splits at once, or nothing, are no split."""
    with pytest.raises(InvalidArgument, match=r"data\.test"):
        evaluate(pixels, split)


def test_other_things_than_models_are_refused():
    """A training result is not its model, and the error says where the model is."""
    with pytest.raises(InvalidArgument, match=r"result\.model"):
        evaluate(SimpleNamespace(model=1), drawn(0, 2))
    with pytest.raises(InvalidArgument, match="received str"):
        evaluate("model.keras", drawn(0, 2))


def test_logits_are_refused():
    """A model without softmax is told apart, with the layer that it lacks."""
    with pytest.raises(InvalidData, match=r"logits.*keras\.layers\.Softmax\(\)"):
        evaluate(classifier(activation=None), drawn(0, 20))


def test_diverged_models_are_refused():
    """NaN is an error and not an accuracy."""
    model = classifier()
    model.layers[-1].bias.assign(np.full(12, np.nan))
    with pytest.raises(InvalidData, match="diverged"):
        evaluate(model, drawn(0, 3))


def test_models_of_two_outputs_are_refused():
    """An output that is no single array is named."""
    image = keras.Input((2, 2, 3))
    flat = keras.layers.Flatten()(image)
    with pytest.raises(InvalidData, match="received list"):
        evaluate(keras.Model(image, [flat, flat]), drawn(0, 3))


def test_models_of_another_size_are_refused():
    """A size that does not fit is an error, also once the model has been traced.

    Keras checks the size at the first call only.
    """
    model = classifier(size=4)
    model.predict(np.zeros((3, 4, 4, 3)), verbose=0)
    with pytest.raises(InvalidData, match=r"2 x 2 x 3.*\(None, 4, 4, 3\).*Resizing"):
        evaluate(model, drawn(0, 3))


def test_models_that_only_keras_sees_through_are_refused():
    """A model that names no input size still gives our error, with Keras's as cause."""

    class Fixed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(12, "softmax")
            self.dense.build((None, 48))

        def call(self, images):
            return self.dense(keras.layers.Flatten()(images))

    with pytest.raises(InvalidData, match="native size, 2 x 2 x 3") as caught:
        evaluate(Fixed(), drawn(0, 3))
    assert isinstance(caught.value.__cause__, ValueError)


@given(evaluations())
def test_json_round_trip(evaluation):
    """Through JSON, `from_dict` gives back an equal evaluation with an equal hash."""
    again = Evaluation.from_dict(json.loads(json.dumps(evaluation.to_dict())))
    assert again == evaluation
    assert hash(again) == hash(evaluation)
    assert again.to_dict() == evaluation.to_dict()


@given(evaluations())
def test_copies_are_equal_and_read_only(evaluation):
    """Pickles and deep copies keep every figure and stay unchangeable."""
    for again in (pickle.loads(pickle.dumps(evaluation)), copy.deepcopy(evaluation)):
        assert again == evaluation
        assert not again.confusion.flags.writeable


@given(evaluations(), matrices())
def test_other_figures_are_not_equal(evaluation, matrix):
    """A changed figure, or another type, makes a difference."""
    assert evaluation != replace(evaluation, tta=not evaluation.tta)
    assert evaluation != replace(evaluation, loss=evaluation.loss + 1)
    assert evaluation != evaluation.to_dict()
    if matrix.shape == evaluation.confusion.shape and evaluation.worst == ():
        same = (matrix == evaluation.confusion).all()
        assert (replace(evaluation, confusion=matrix) == evaluation) == same


@given(evaluations())
def test_table_is_at_most_88_wide(evaluation):
    """Whatever the names are, the lines stay short and carry the main figures."""
    lines = str(evaluation).split("\n")
    assert max(len(line) for line in lines) <= 88
    assert len(lines) == len(str(evaluation).splitlines())
    assert f"{evaluation.accuracy:.2%}" in str(evaluation)


def test_table_of_many_classes_shows_the_weakest():
    """Of a hundred classes the twenty of lowest F1 are listed, and no matrix."""
    matrix = np.diag(np.arange(100))
    matrix[7, 8], matrix[7, 7] = 1000, 0
    text = str(_plain(matrix))
    assert "the 20 classes of lowest F1" in text
    assert "class 7 " in text
    assert "class 50 " not in text
    assert "true, then predicted" not in text


def test_table_of_a_perfect_model_has_no_mistakes():
    """What is empty is left out."""
    text = str(_plain(np.eye(2, dtype=int)))
    assert "most confused" not in text
    assert "worst mistakes" not in text


def test_values_cannot_be_changed():
    """The caller's array is copied, and neither matrix nor shares can be written."""
    matrix = np.array([[3, 1], [2, 4]])
    evaluation = _plain(matrix)
    matrix[0, 0] = 99
    assert evaluation.n == 10
    with pytest.raises(ValueError, match="read-only"):
        evaluation.confusion[0, 0] = 1
    with pytest.raises(TypeError):
        evaluation.top_k[1] = 0.0


def test_keys_of_the_dictionary_are_stable():
    """Result files and the ledger read these names."""
    values = _plain(np.array([[3, 1], [2, 4]])).to_dict()
    assert values["per_class"][0] == {
        "name": "class 0",
        "precision": 0.6,
        "recall": 0.75,
        "f1": pytest.approx(2 / 3),
        "support": 4,
    }
    del values["per_class"]
    assert values == {
        "n": 10,
        "tta": False,
        "accuracy": 0.7,
        "interval": list(metrics.wilson_interval(7, 10)),
        "loss": 1.0,
        "objective": 1.5,
        "ece": 0.1,
        "top_k": {"1": 0.7},
        "class_names": ["class 0", "class 1"],
        "confusion": [[3, 1], [2, 4]],
        "pairs": [{"first": "class 0", "second": "class 1", "count": 3}],
        "worst": [],
    }


def test_json_file_is_the_dictionary(tmp_path):
    """The file holds `to_dict`, replaces what was there and leaves nothing else."""
    path = tmp_path / "results" / "evaluation.json"
    path.parent.mkdir()
    path.write_text("old")
    evaluation = _plain(np.array([[3, 1], [2, 4]]))
    evaluation.to_json(path)
    assert Evaluation.from_dict(json.loads(path.read_text())) == evaluation
    assert list(path.parent.iterdir()) == [path]


def test_columns_make_a_data_frame():
    """One list for each field, one entry for each class."""
    assert _plain(np.array([[3, 0], [0, 4]])).to_columns() == {
        "name": ["class 0", "class 1"],
        "precision": [1.0, 1.0],
        "recall": [1.0, 1.0],
        "f1": [1.0, 1.0],
        "support": [3, 4],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": 0.9},
        {"n": 11},
        {"loss": "low"},
        {"loss": float("nan")},
        {"objective": float("inf")},
        {"ece": 1.5},
        {"ece": None},
        {"top_k": {"3": 0.9}},
        {"top_k": {"one": 0.9}},
        {"top_k": [0.9]},
        {"confusion": [[3, 1], [2]]},
        {"confusion": [[3.5, 1], [2, 4]]},
        {"confusion": [[0, 0], [0, 0]]},
        {"class_names": ["one"]},
        {"class_names": ["one", "one"]},
        {"worst": [{"index": 0}]},
        {"worst": [{"index": 0, "true": "a", "predicted": "b", "confidence": 1}]},
        {"surplus": 1},
    ],
)
def test_broken_dictionaries_are_refused(change):
    """A dictionary of no evaluation gets one error of ours."""
    values = _plain(np.array([[3, 1], [2, 4]])).to_dict() | change
    with pytest.raises(InvalidData, match="Expected"):
        Evaluation.from_dict(values)


@pytest.mark.parametrize("key", ["n", "accuracy", "confusion", "per_class"])
def test_missing_keys_are_named(key):
    """A dictionary without a key says which."""
    values = _plain(np.array([[3, 1], [2, 4]])).to_dict()
    del values[key]
    with pytest.raises(InvalidData, match=rf"missing or unknown: \['{key}'\]"):
        Evaluation.from_dict(values)


def _plain(matrix: np.ndarray) -> Evaluation:
    return Evaluation(
        class_names=tuple(f"class {number}" for number in range(len(matrix))),
        confusion=matrix,
        loss=1.0,
        objective=1.5,
        ece=0.1,
        top_k={1: 0.7},
    )


def test_probabilities_are_as_strict_as_evaluate(pixels):
    """Images in [0, 1] and no images at all are refused, not answered."""
    images = drawn(0, 5).images
    np.testing.assert_allclose(
        probabilities(pixels, images), answered(images), rtol=1e-5
    )
    with pytest.raises(InvalidData, match="255"):
        probabilities(pixels, images / 255.0)
    with pytest.raises(InvalidData, match="at least one image"):
        probabilities(pixels, images[:0])


def test_a_model_with_a_loss_of_its_own_is_evaluated():
    """What it was compiled with plays no part."""
    model = classifier(size=2)
    model.compile(loss=lambda target, output: keras.ops.mean(output))
    assert evaluate(model, drawn(0, 3)).n == 3


def test_a_row_that_is_no_number_is_named_by_its_image():
    """Not by its place in a batch."""
    image = keras.Input((4, 4, 3))
    total = keras.layers.GlobalAveragePooling2D()(image)
    images = np.zeros((300, 4, 4, 3), np.uint8)
    images[201] = 255
    for value, text in ((np.nan, "in row 201"), (0.9, r"row 201 has the sum 2\.7")):
        rows = keras.ops.where(total > 250, value, 1 / 3)
        with pytest.raises(InvalidData, match=text):
            probabilities(keras.Model(image, rows), images)


def test_a_file_that_cannot_be_written_is_one_error(tmp_path):
    """A folder stands in its place."""
    with pytest.raises(WriteError, match="cannot be written"):
        _plain(np.array([[1, 0], [0, 1]])).to_json(tmp_path)


def test_a_mistake_above_one_by_rounding_is_sure():
    """Softmax may give a little more than 1."""

    class Sure(keras.Model):
        def call(self, images):
            row = keras.ops.convert_to_tensor([[1.0000001, 0.0]])
            return keras.ops.tile(row, (keras.ops.shape(images)[0], 1))

    split = Split(np.ones((2, 2, 2, 3), np.uint8), np.array([1, 0]), ("a", "b"))
    assert evaluate(Sure(), split).worst[0].confidence == 1.0


@pytest.mark.parametrize(
    "change",
    [{"index": -1}, {"predicted": "a"}, {"confidence": 1.5}, {"confidence": -0.1}],
)
def test_impossible_mistakes_are_refused(change):
    """No place, no mistake, no probability."""
    right = {"index": 0, "true": "a", "predicted": "b", "confidence": 0.5}
    with pytest.raises(InvalidData, match="two names"):
        Mistake(**right | change)


LATE = Mistake(index=10, true="class 0", predicted="class 1", confidence=0.5)


@pytest.mark.parametrize(
    "change", [{"loss": -0.1}, {"top_k": {1: 1.5}}, {"worst": (LATE,)}]
)
def test_impossible_evaluations_are_refused(change):
    """A negative loss, a share above one, a mistake on an image behind the last."""
    with pytest.raises(InvalidData, match="an evaluation with"):
        replace(_plain(np.array([[3, 1], [2, 4]])), **change)


def test_ten_pairs_are_named():
    """No more, however many classes there are."""
    assert len(_plain(np.ones((7, 7), int)).pairs) == 10


def test_penalties_of_frozen_weights_do_not_count():
    """As Keras counts them."""
    model = classifier(penalty=keras.regularizers.L2(0.3))
    model.layers[-1].trainable = False
    found = evaluate(model, drawn(0, 5))
    assert found.objective == found.loss


def test_probabilities_average_mirror_images_too(pixels):
    """On request, as `evaluate` does."""
    images = drawn(0, 5).images
    mean = (answered(images) + answered(images[:, :, ::-1])) / 2
    found = probabilities(pixels, images, tta=True)
    np.testing.assert_allclose(found, mean, rtol=1e-5)


def test_the_table_says_the_figures():
    """Each in its place."""
    wrong = Mistake(index=7, true="class 0", predicted="class 1", confidence=0.9)
    found = replace(_plain(np.array([[3, 1], [2, 4]])), tta=True, worst=(wrong,))
    lines = str(found).split("\n")
    assert lines[0] == "10 images, 2 classes, each with its mirror image"
    for line in (
        "accuracy     70.00%   (95% interval: 39.68% to 89.22%)",
        "loss         1.0000   (with penalties: 1.5000)",
        "calibration  0.1000   (expected error)",
        f"{'0 class 0':<24}    3    1",
        f"{'1 class 1':<24}    2    4",
        "      3  class 0 / class 1",
        " 90.00%  class 0 taken for class 1 (image 7)",
    ):
        assert line in lines
