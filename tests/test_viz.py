"""The pictures: each function gives a figure that shows what it was given."""

import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import keras
import matplotlib.figure
import numpy as np
import pytest

from cifarkit import (
    Phase,
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    evaluate,
    heads,
    models,
    viz,
)
from cifarkit._errors import InvalidArgument, InvalidData, MissingExtra
from cifarkit.evaluation import probabilities
from cifarkit.viz._attention import halves
from cifarkit.viz._canvas import grid


@pytest.fixture(scope="module")
def data():
    """A small set of learnable images."""
    return datasets.synthetic(n=100, size=32, classes=4)


@pytest.fixture(scope="module")
def result(data, tmp_path_factory):
    """A network of a nested backbone, after two phases."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFARKIT_HOME", str(tmp_path_factory.mktemp("store")))
        backbone = backbones.get("mobilenetv2", weights=None, size=64)
        return TwoPhaseTrainer(
            backbone,
            heads.classifier(),
            phase_1=Phase(epochs=2),
            phase_2=Phase(epochs=1, unfreeze=11),
            verbose=0,
        ).fit(data)


@pytest.fixture(scope="module")
def evaluation(result, data):
    """How good it is."""
    return evaluate(result.model, data.test)


@pytest.fixture(scope="module")
def rows(result, data):
    """Its probabilities of the test images."""
    return probabilities(result.model, data.test.images)


def texts(figure):
    """Return all words of a figure."""
    return [each.get_text() for each in figure.findobj(matplotlib.text.Text)]


def shown(figure):
    """Return the images in a figure."""
    return [image for axes in figure.axes for image in axes.images]


def test_samples_show_every_class(data):
    """As many of each class as asked for, under its name."""
    figure = viz.samples(data.train, per_class=3)
    assert len(shown(figure)) == 12
    for name in data.train.class_names:
        assert texts(figure).count(name) == 1  # at the start of its row
    first = shown(figure)[0].get_array()
    assert any(np.array_equal(first, image) for image in data.train.images)


def test_class_counts_are_those_of_the_splits(data):
    """A bar for each class of each part, as long as it has images."""
    axes = viz.class_counts(data).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    counts = [
        np.bincount(split.labels, minlength=4)
        for split in (data.train, data.validation, data.test)
    ]
    assert widths == np.concatenate(counts).tolist()


def test_channels_say_their_statistics(data):
    """Mean and deviation of each channel, to two decimals, as NumPy has them."""
    words = " ".join(texts(viz.channels(data.train)))
    for place, name in enumerate(("red", "green", "blue")):
        pixels = data.train.images[..., place].astype(np.float64)
        expected = f"{name}: mean {pixels.mean():.2f}, deviation {pixels.std():.2f}"
        assert expected in words


@pytest.mark.real
def test_cifar10_has_the_published_statistics():
    """R 125.31/62.99, G 122.95/62.09, B 113.87/66.70 over the 50,000."""
    whole = datasets.cifar10(32, validation=0).train
    assert [str(channel) for channel in datasets.channels(whole)] == [
        "red: mean 125.31, deviation 62.99",
        "green: mean 122.95, deviation 62.09",
        "blue: mean 113.87, deviation 66.70",
    ]


def test_each_augmentation_is_shown_by_itself(data):
    """The image first, then what each makes of it; a flip is a flip."""
    items = [augment.flip(), augment.rotation(0.1), augment.mixup()]
    figure = viz.augmentations(data.train, items, count=5, image=3)
    images = [np.asarray(each.get_array()) for each in shown(figure)]
    assert len(images) == 18
    plain = data.train.images[3]
    for row in range(3):
        np.testing.assert_array_equal(images[6 * row], plain)
    for flipped in images[1:6]:
        assert np.array_equal(flipped, plain) or np.array_equal(flipped, plain[:, ::-1])
    assert "rotation 0.1" in texts(figure)


def test_curves_are_one_course(result):
    """All epochs in a row, a line between the phases, a ring around what was kept."""
    figure = viz.curves(result)
    accuracy = figure.axes[0]
    training = next(line for line in accuracy.lines if line.get_label() == "training")
    assert list(training.get_xdata()) == [1, 2, 3]
    expected = [100 * value for value in result.history["accuracy"]]
    np.testing.assert_allclose(training.get_ydata(), expected)
    assert [2.5, 2.5] in [list(line.get_xdata()) for line in accuracy.lines]


def test_confusion_shows_all_counts(evaluation):
    """Every count of the matrix stands in the picture."""
    axes = viz.confusion(evaluation).axes[0]
    counts = [str(count) for count in evaluation.confusion.ravel()]  # row by row
    assert [text.get_text() for text in axes.texts] == counts


def test_a_name_ends_at_its_column(evaluation):
    """A slanting name that is centred lies under the columns to its right."""
    names = viz.confusion(evaluation).axes[0].get_xticklabels()
    assert {(each.get_ha(), each.get_rotation_mode()) for each in names} == {
        ("right", "anchor")
    }


@pytest.mark.parametrize(("classes", "letters"), [(2, 45), (5, 60), (10, 200)])
def test_long_names_leave_room_for_a_figure(classes, letters):
    """They are cut; matplotlib warns, which fails, where nothing is left."""
    names = tuple(f"{number} {'m' * letters}" for number in range(classes))
    truth = evaluate_like(np.eye(classes, dtype=np.int64), names)
    for figure, most in (
        (viz.confusion(truth), 24),
        (viz.class_scores(truth), 24),
        (viz.comparison(dict.fromkeys(names, truth)), 48),
    ):
        figure.savefig(BytesIO())
        shown = [each for each in texts(figure) if "m" * 9 in each]
        assert max(map(len, shown)) == min(most, letters + 2)


def test_right_answers_have_another_colour_than_mistakes(evaluation):
    """The diagonal lies over the map, as wide as its cells, below the numbers."""
    axes = viz.confusion(evaluation).axes[0]
    (mesh,) = axes.collections
    squares = list(axes.patches)
    assert len(squares) == len(evaluation.class_names)
    assert all(mesh.zorder < square.zorder < 3 for square in squares)
    assert squares[1].get_bbox().bounds == (1, 1, 1, 1)


def test_class_scores_are_in_order(evaluation):
    """The best class first, each bar as long as its F1."""
    axes = viz.class_scores(evaluation).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    expected = sorted((100 * each.f1 for each in evaluation.per_class), reverse=True)
    np.testing.assert_allclose(widths, expected)


def test_a_class_without_images_has_no_bar():
    """A bar of no length would say that it is never found."""
    truth = evaluate_like(np.diag([5, 0, 5]), ("a", "b", "c"))
    axes = viz.class_scores(truth).axes[0]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["a", "c"]


def test_calibration_is_what_it_says():
    """Half of the predictions at 75 % are right: the point lies at (75, 50)."""
    rows = np.array([[0.75, 0.25]] * 4)
    figure = viz.calibration(np.array([0, 0, 1, 1]), rows)
    (points,) = figure.axes[0].containers
    place = np.asarray(points[0].get_data(), float)
    np.testing.assert_allclose(place, ([75], [50]))
    assert "expected calibration error 0.2500" in texts(figure)


def test_a_comparison_shows_intervals(evaluation):
    """A point in its interval for each model, under its name."""
    figure = viz.comparison({"one": evaluation, "other": evaluation})
    assert {"one", "other", f"{evaluation.accuracy:.2%}"} <= set(texts(figure))
    interval = [100 * each for each in evaluation.interval]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), interval)
    with pytest.raises(InvalidArgument, match="at least one"):
        viz.comparison({})


def test_a_comparison_shows_claims(evaluation):
    """What somebody else reported is a mark beside what was measured."""
    given = {"one": evaluation, "other": evaluation}
    axes = viz.comparison(given, claimed={"other": 0.5}).axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "D"]
    assert np.array_equal(marks[0].get_data(), [[50], [1]])
    with pytest.raises(InvalidArgument, match="third"):
        viz.comparison(given, claimed={"third": 0.5})
    for wrong in (90.24, -0.1, float("nan"), "0.9"):
        with pytest.raises(InvalidArgument, match="claimed of 'one'"):
            viz.comparison(given, claimed={"one": wrong})
    nothing = viz.comparison(given, claimed={"one": None}).axes[0]
    assert not [line for line in nothing.lines if line.get_marker() == "D"]


def test_long_names_stay_beside_each_other(data):
    """A line is as wide as its image, in smaller letters if it has to be."""
    for words, points in (("cat", 8.0), ("aquarium_fish: 100%", 7.3), ("x" * 60, 5.0)):
        figure = grid(data.test.images[:2], [words, "a"], columns=2)
        title = figure.axes[0].title
        assert title.get_fontsize() == pytest.approx(points, abs=0.1)


def test_smoothed_labels_are_named_beside_their_loss(result):
    """Their loss is another one than that of validation."""
    for shares, told in (
        ((0.0, 0.0), "training"),
        ((0.1, 0.1), "training, labels smoothed"),
        ((0.0, 0.1), "training, smoothed in phase 2"),
    ):
        phases = [{"label_smoothing": share} for share in shares]
        made = {**result.provenance, "phases": phases}
        figure = viz.curves(replace(result, provenance=made))
        words = [each.get_text() for each in figure.axes[1].get_legend().get_texts()]
        assert words == [told, "validation", "kept"]


@pytest.mark.parametrize("right", [True, False])
def test_galleries_show_what_they_say(data, rows, right):
    """Only right ones, or only wrong ones, each with what it was taken for."""
    figure = viz.gallery(data.test, rows, right=right, count=6)
    wanted = (rows.argmax(axis=1) == data.test.labels) == right
    images = data.test.images[wanted]
    assert len(shown(figure)) == min(6, len(images))
    for each in shown(figure):
        assert any(np.array_equal(each.get_array(), image) for image in images)


def test_top_losses_come_worst_first(data, rows):
    """The image whose true class has the least probability is the first."""
    first = shown(viz.top_losses(data.test, rows, count=4))[0].get_array()
    own = rows[np.arange(len(rows)), data.test.labels]
    np.testing.assert_array_equal(first, data.test.images[own.argmin()])


def test_probabilities_of_other_images_are_refused(data, rows):
    """As many rows as images, as many columns as classes."""
    for call in (viz.top_losses, lambda *parts: viz.gallery(*parts, right=True)):
        with pytest.raises(InvalidData, match="shape"):
            call(data.train, rows)


def test_trap_15_grad_cam_sees_into_a_nested_backbone(result, data, tmp_path):
    """Maps of the right size and range, the same after saving and loading."""
    images = data.test.images[:3]
    maps = viz.grad_cam(result.model, images)
    assert (maps.shape, maps.dtype) == ((3, 32, 32), np.float32)
    assert maps.min() >= 0
    assert set(np.round(maps.max(axis=(1, 2)), 5)) <= {0.0, 1.0}
    result.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(viz.grad_cam(again, images), maps, atol=1e-4)


def cornered():
    """Return a network that looks at one corner alone, and an image lit there."""
    image = keras.Input((16, 16, 3))
    maps = keras.layers.AveragePooling2D(4)(image)
    mask = np.zeros((4, 4), np.float32)
    mask[0, 3] = 1.0  # above right
    seen = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")(maps)
    values = keras.layers.Flatten()(seen)
    outputs = keras.layers.Dense(2, "softmax", name="last")(values)
    model = keras.Model(image, outputs)
    kernel = np.stack([mask.ravel(), -mask.ravel()], axis=1) / 100
    model.get_layer("last").set_weights([kernel, np.zeros(2)])
    images = np.zeros((1, 16, 16, 3), np.uint8)
    images[0, :4, 12:] = 200
    return model, images


def test_grad_cam_finds_where_the_evidence_is():
    """The map is hot where the network looks."""
    model, images = cornered()
    hot = viz.grad_cam(model, images, classes=[0])[0]
    assert np.unravel_index(hot.argmax(), hot.shape)[0] < 5
    assert np.unravel_index(hot.argmax(), hot.shape)[1] > 11
    assert viz.grad_cam(model, images, classes=[1]).max() == 0


def test_grad_cam_sees_what_makes_a_network_sure():
    """A probability of 1 has the map of a small one: its own evidence stays in it."""
    image = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="colours")(image)
    means = keras.layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(image, keras.layers.Dense(2, "softmax", name="last")(means))
    red_and_green = np.eye(3)[:, :2].reshape(1, 1, 3, 2)
    model.get_layer("colours").set_weights([red_and_green])
    images = np.zeros((1, 16, 16, 3), np.uint8)
    images[0, :4, 12:, 0] = 200  # red speaks for the first class
    images[0, 12:, :4, 1] = 200  # green against the second
    found = []
    for scale in (0.01, 2.0):
        model.get_layer("last").set_weights([scale * np.diag([1.0, -1.0]), np.zeros(2)])
        found.append(viz.grad_cam(model, images))
    assert model(images.astype("float32")).numpy().max() == 1
    np.testing.assert_allclose(*found, atol=1e-5)
    assert found[0][0, 1, 14] == found[0][0, 14, 1] == 1


def test_grad_cam_leaves_a_network_as_it_is():
    """An image layer that was not told otherwise calls what follows as in training."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.RandomFlip(seed=0),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, "softmax"),
        ]
    )
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    before = [weight.copy() for weight in model.get_weights()]
    maps = viz.grad_cam(model, images)
    assert all(map(np.array_equal, before, model.get_weights()))
    np.testing.assert_array_equal(viz.grad_cam(model, images), maps)


def test_grad_cam_refuses_other_images_and_classes(result, data):
    """Floats in [0, 1] would be seen as black; 1.0 is no class number."""
    images = data.test.images[:2]
    for wrong in (images / 255.0, images[0], images[:0]):
        with pytest.raises(InvalidData, match="image"):
            viz.grad_cam(result.model, wrong)
    with pytest.raises(InvalidData, match="one class"):
        viz.grad_cam(result.model, images, classes=[0.0, 1.0])


@pytest.mark.parametrize("name", ["s2-m1", "ours-cnn"])
def test_grad_cam_takes_networks_from_scratch(name, data):
    """Flat networks have their last map in the open."""
    maps = viz.grad_cam(models.cnn(name, classes=4), data.test.images[:2], [0, 3])
    assert maps.shape == (2, 32, 32)


def test_grad_cam_sees_a_map_that_a_nested_model_pools():
    """A backbone that ends in a pooled vector still has its maps inside."""
    inner_image = keras.Input((16, 16, 3))
    inner = keras.layers.Conv2D(4, 3, name="conv")(inner_image)
    pooled = keras.layers.GlobalAveragePooling2D()(inner)
    nested = keras.Model(inner_image, pooled, name="nested")
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(nested(image)))
    assert viz.grad_cam(model, np.ones((1, 16, 16, 3), np.uint8)).shape == (1, 16, 16)


def test_grad_cam_keeps_operations_of_the_outer_graph():
    """Scaling before a nested backbone is part of what the network sees."""
    inner_image = keras.Input((16, 16, 3))
    init = keras.initializers.GlorotUniform
    maps = keras.layers.Conv2D(4, 3, kernel_initializer=init(1))(inner_image)
    nested = keras.Model(inner_image, maps, name="nested")
    image = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalMaxPooling2D()(nested(image / 127.5 - 1.0))
    logits = keras.layers.Dense(3, kernel_initializer=init(2))(pooled)
    model = keras.Model(image, keras.ops.softmax(logits))
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    before, after = halves(model)
    given = keras.ops.convert_to_tensor(images.astype(np.float32))
    np.testing.assert_allclose(
        after(before(given)), model.predict(images, verbose=0), rtol=1e-4
    )
    assert viz.grad_cam(model, images).shape == (2, 16, 16)


def test_grad_cam_takes_sequential_models(tmp_path):
    """Built layer by layer, and loaded again."""
    model = keras.Sequential([keras.Input((16, 16, 3))])
    model.add(keras.layers.Rescaling(1 / 255))
    model.add(keras.layers.Conv2D(4, 3, activation="relu"))
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(3, "softmax"))
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    maps = viz.grad_cam(model, images)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(viz.grad_cam(again, images), maps, atol=1e-5)


def test_grad_cam_refuses_what_it_cannot_explain(result, data):
    """No map, no such class, not one class for each image."""
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
    with pytest.raises(InvalidArgument, match="convolutional"):
        viz.grad_cam(flat, np.zeros((1, 4), np.uint8))
    for classes in ([9], [0, 1], [-1]):
        with pytest.raises(InvalidData, match="one class"):
            viz.grad_cam(result.model, data.test.images[:1], classes)


def test_heat_lies_over_the_images(data):
    """Each image twice, once with its map."""
    maps = np.stack([np.full((32, 32), level, np.float32) for level in (0.25, 0.75)])
    figure = viz.heat(data.test.images[:2], maps, ["a", "b"])
    for others in ((maps[:1], ()), (maps, ["a"])):
        with pytest.raises(InvalidData, match="for each of 2 images"):
            viz.heat(data.test.images[:2], *others)
    assert len(shown(figure)) == 6
    levels = [
        float(image.get_array().max())
        for axes in figure.axes
        for image in axes.images
        if image.get_array().ndim == 2
    ]
    greys, heats = levels[::2], levels[1::2]
    expected = [image.mean(axis=-1).max() for image in data.test.images[:2]]
    np.testing.assert_allclose(greys, expected)
    assert heats == [0.25, 0.75]  # where all places are alike, nothing is stretched
    sloped = np.linspace(0.5, 1, 32 * 32, dtype=np.float32).reshape(1, 32, 32)
    *_, heat = shown(viz.heat(data.test.images[:1], sloped))
    assert (heat.get_array().min(), heat.get_array().max()) == (0, 1)
    assert {"a", "b"} <= set(texts(figure))


def test_no_window_and_no_setting_is_touched():
    """Drawing leaves pyplot without figures and the settings as they were."""
    code = """
import matplotlib
before = dict(matplotlib.rcParams)
from cifarkit import datasets, viz
viz.samples(datasets.synthetic(n=50).train)
viz.class_counts(datasets.synthetic(n=50))
assert dict(matplotlib.rcParams) == before
import matplotlib.pyplot
assert matplotlib.pyplot.get_fignums() == []
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_pip_line_is_said(data, monkeypatch):
    """The extra that brings it stands in the error."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cifarkit\[viz\]'"):
        viz.samples(data.train)


def test_dollars_in_names_begin_no_formula(data):
    """A price is a price: in every figure that shows names, and in the saved file."""
    names = ("$5_$10", "US$ to CA$", r"\$", "plain")
    renamed = replace(
        data,
        **{
            part: replace(getattr(data, part), class_names=names)
            for part in ("train", "validation", "test")
        },
    )
    truth = evaluate_like(np.eye(4, dtype=np.int64), names)
    pixels, maps = data.train.images[:4], np.zeros((4, *data.train.images.shape[1:3]))
    for figure in (
        viz.samples(renamed.train),
        viz.class_counts(renamed),
        viz.confusion(truth),
        viz.class_scores(truth),
        viz.comparison(dict.fromkeys((*names, 7), truth)),  # a name may be a number
        viz.heat(pixels, maps, names),
    ):
        figure.savefig(BytesIO())
        drawn = [
            each._preprocess_math(each.get_text())
            for each in figure.findobj(matplotlib.text.Text)
        ]
        assert set(names) <= {text for text, formula in drawn if not formula}


def test_a_confusion_of_many_classes_stays_a_picture():
    """Three hundred classes would need a gigabyte, one number to a cell."""
    matrix = np.eye(300, dtype=np.int64)
    names = tuple(map(str, range(300)))
    truth = evaluate_like(matrix, names)
    figure = viz.confusion(truth)
    assert max(figure.get_size_inches()) < 40
    axes = figure.axes[0]
    assert not [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]


def evaluate_like(matrix, names):
    """Return an evaluation with a confusion matrix, all else as good as can be."""
    from cifarkit.evaluation import Evaluation

    return Evaluation(
        class_names=names,
        confusion=matrix,
        loss=0.1,
        objective=0.1,
        ece=0.0,
        top_k={1: 1.0},
        worst=(),
    )


def test_confidence_above_one_by_rounding_is_counted():
    """Rows may sum to a little more than 1: no image is left out of the histogram."""
    rows = [[1.0000001, 0.0], [0.0, 1.0]]
    figure = viz.calibration([0, 1], np.array(rows, np.float32))
    bars = figure.axes[1].patches
    assert sum(bar.get_height() for bar in bars) == 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda data, rows: viz.samples(data.test, seed=-1),
        lambda data, rows: viz.samples(data.test, per_class=1.5),
        lambda data, rows: viz.gallery(data.test, rows, right=True, seed=-1),
        lambda data, rows: viz.augmentations(data.test, augment.flip(), seed=-1),
        lambda data, rows: viz.augmentations(data.test, augment.flip(), image=10**6),
    ],
)
def test_seeds_and_places_out_of_range_are_refused(draw, data, rows):
    """In one sentence, not by NumPy."""
    with pytest.raises(InvalidArgument, match="Expected"):
        draw(data, rows)
