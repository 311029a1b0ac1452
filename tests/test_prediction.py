"""One image in, a named class out: from files, bytes, Pillow and arrays alike."""

import io
import json

import keras
import numpy as np
import pytest
from PIL import Image

from cifarkit import Phase, TwoPhaseTrainer, backbones, datasets, heads, models
from cifarkit._errors import CorruptFile, InvalidArgument, InvalidData, InvalidImage
from cifarkit.images import decode, from_pillow
from cifarkit.prediction import Prediction, Predictor

NAMES = ("cat", "dog", "frog")


def classifier(size=16):
    """Return a small network that resizes inside, with fixed weights."""
    image = keras.Input((size, size, 3))
    init = keras.initializers.GlorotUniform
    unit = keras.layers.Rescaling(1 / 255)(image)
    maps = keras.layers.Conv2D(4, 3, strides=4, kernel_initializer=init(1))(unit)
    body = keras.Model(image, maps, name="body")
    head = heads.linear().build(tuple(body.output_shape[1:]), 3, seed=0)
    return models.assemble(body, head)


@pytest.fixture(scope="module")
def predictor():
    """The small network as people use it."""
    return Predictor(classifier(), NAMES)


def picture(height=12, width=10, seed=0):
    """Return a smooth picture."""
    small = np.random.default_rng(seed).integers(0, 256, (3, 3, 3)).astype(np.uint8)
    large = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(large)


def png(array):
    """Return an image file's bytes."""
    content = io.BytesIO()
    Image.fromarray(array).save(content, "PNG")
    return content.getvalue()


def rows(predictions):
    """Return the probabilities of all predictions."""
    return np.array([list(each.probabilities.values()) for each in predictions])


def test_all_ways_to_bring_an_image_give_one_answer(predictor, tmp_path):
    """A path as text or not, bytes of three kinds, Pillow, an array."""
    array, path = picture(), tmp_path / "image.png"
    content = png(array)
    path.write_bytes(content)
    items = [path, str(path), content, bytearray(content), memoryview(content)]
    items += [Image.open(path), Image.fromarray(array), array]
    found = rows(predictor.batch(items))
    np.testing.assert_array_equal(found, np.repeat(found[:1], len(items), axis=0))


def test_the_answer_is_that_of_the_model(predictor):
    """Small images go in as they are; names are in label order."""
    array = picture()
    expected = classifier().predict(array[None].astype(np.float32), verbose=0)[0]
    answer = predictor(array)
    np.testing.assert_allclose(list(answer.probabilities.values()), expected, rtol=1e-5)
    assert tuple(answer.probabilities) == NAMES
    assert answer.name == NAMES[expected.argmax()]
    assert answer.confidence == pytest.approx(expected.max())


def test_mixed_sizes_come_back_in_order(predictor):
    """A batch is the same as its images one by one, whatever their sizes."""
    shapes = [(12, 10), (300, 200), (5, 40), (12, 10), (16, 16)] * 9
    items = [picture(*shape, seed=number) for number, shape in enumerate(shapes)]
    together = rows(predictor.batch(items))
    alone = rows([predictor(item) for item in items])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-7)
    assert predictor.batch([]) == ()


def test_photographs_are_shrunk_without_aliasing(predictor):
    """A fine chequerboard becomes grey; plain sampling would see one colour alone."""
    board = np.indices((336, 336)).sum(axis=0) % 2 * 255
    fine = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    grey = np.full((16, 16, 3), 128, np.uint8)
    found = rows(predictor.batch([fine, grey]))
    np.testing.assert_allclose(*found, atol=0.01)
    sampled = classifier().predict(fine[None].astype(np.float32), verbose=0)[0]
    assert np.abs(sampled - found[1]).max() > 0.02


@pytest.mark.parametrize("shape", [(90, 60), (10, 9), (16, 40)])
def test_a_file_is_seen_as_a_folder_of_such_files_is(shape, tmp_path):
    """One resampling for training, evaluation and service: not a grey level off."""
    texture = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.png").write_bytes(png(texture))
    data = datasets.from_folder(tmp_path, size=16, validation=0.0, test=0.0)
    predictor = Predictor(models.cnn("s2-m1", classes=3, size=16))
    assert np.array_equal(data.train.images[0], predictor.prepared(png(texture)))


@pytest.mark.parametrize("option", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_a_resize_that_crops_or_pads_is_refused(option):
    """Photographs are shrunk before the model sees them, which would undo it."""
    image = keras.Input((None, None, 3))
    maps = keras.layers.Resizing(8, 8, **{option: True})(image)
    maps = keras.layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(maps))
    with pytest.raises(InvalidArgument, match="crops or pads"):
        Predictor(model)


def test_a_network_of_one_size_gets_that_size():
    """From-scratch networks take no other: images are fitted, small and large."""
    model = models.cnn("s2-m1", classes=3, size=16)
    predictor = Predictor(model, NAMES)
    exact = picture(16, 16)
    expected = model.predict(exact[None].astype(np.float32), verbose=0)[0]
    found = rows(predictor.batch([exact, picture(9, 40), picture(64, 64)]))
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_a_result_folder_knows_its_classes(tmp_path, monkeypatch):
    """`TrainResult.save` is all that is needed; a changed file is refused."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    data = datasets.synthetic(n=60, size=16, classes=3)
    body = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3)])
    trainer = TwoPhaseTrainer(
        backbones.wrap(body, preprocess="unit"),
        heads.linear(),
        phase_1=Phase(),
        phase_2=None,
        verbose=0,
    )
    result = trainer.fit(data)
    result.save(tmp_path / "run")
    predictor = Predictor(tmp_path / "run")
    assert predictor.class_names == data.train.class_names
    images = data.test.images[:3]
    np.testing.assert_allclose(
        rows(predictor.batch(images)), result.model.predict(images, verbose=0), 1e-5
    )
    file = tmp_path / "run" / "model.keras"
    assert Predictor(file).class_names == data.train.class_names
    assert Predictor(file, ["x", "y", "z"]).class_names == ("x", "y", "z")
    file.write_bytes(file.read_bytes() + b"more")
    for path in (tmp_path / "run", file):
        with pytest.raises(CorruptFile):
            Predictor(path)


def test_a_file_finds_its_class_names_beside(tmp_path):
    """`classes.json` beside a `.keras` file; without it, numbers."""
    path = tmp_path / "model.keras"
    classifier().save(path)
    assert Predictor(path).class_names == ("0", "1", "2")
    (tmp_path / "classes.json").write_text(json.dumps(NAMES))
    assert Predictor(str(path)).class_names == NAMES
    assert Predictor(path, list("abc")).class_names == ("a", "b", "c")


@pytest.mark.parametrize("text", ["{}", "[1, 2, 3]", "[", '["cat", "dog"]', "\xff"])
def test_wrong_class_names_are_refused(tmp_path, text):
    """No list, no names, broken JSON, too few, no text."""
    path = tmp_path / "model.keras"
    classifier().save(path)
    (tmp_path / "classes.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptFile, match=r"3 different class names.*classes\.json"):
        Predictor(path)
    for names in (("cat", "cat", "dog"), [], np.array(["cat", "dog"])):
        with pytest.raises(InvalidArgument, match="3 different"):
            Predictor(classifier(), names)
    assert Predictor(path, np.array(NAMES)).class_names == NAMES


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (b"no image", InvalidImage),
        (b"", InvalidImage),
        ("nowhere.png", InvalidImage),
        (np.zeros((4, 4, 3), np.float32), InvalidArgument),
        (np.zeros((4, 4), np.uint8), InvalidArgument),
        (np.zeros((0, 4, 3), np.uint8), InvalidArgument),
        (np.zeros((2, 4, 4, 3), np.uint8), InvalidArgument),
        (None, InvalidArgument),
        (7, InvalidArgument),
    ],
)
def test_what_is_no_image_is_named_with_its_place(predictor, item, error):
    """One bad item fails the whole batch before anything is classified."""
    with pytest.raises(error, match="image 1: Expected"):
        predictor.batch([picture(), item])


def test_images_beyond_the_limit_are_refused():
    """As a file, as a Pillow image, as an array: before their pixels are handled."""
    predictor = Predictor(classifier(), max_pixels=100)
    large = picture(11, 10)
    for item in (large, png(large), Image.fromarray(large)):
        with pytest.raises(InvalidImage, match="100 pixels"):
            predictor(item)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_pillow_images_of_all_modes_are_what_their_files_are(mode):
    """A Pillow image gives what decoding its own file gives."""
    plain = Image.fromarray(picture(8, 9))
    if mode == "I;16":
        values = np.arange(72, dtype=np.uint16).reshape(8, 9) * 900
        image = Image.fromarray(values)
    else:
        image = plain.convert(mode)
    content = io.BytesIO()
    image.save(content, "JPEG" if mode == "CMYK" else "PNG")
    expected = decode(content.getvalue())
    difference = from_pillow(image).astype(int) - expected
    assert np.abs(difference).max() <= (40 if mode == "CMYK" else 0)


def test_pillow_images_stand_upright():
    """The orientation of the metadata is applied, as for files."""
    image = Image.fromarray(picture(6, 4))
    exif = image.getexif()
    exif[0x0112] = 6
    content = io.BytesIO()
    image.save(content, "PNG", exif=exif)
    opened = Image.open(io.BytesIO(content.getvalue()))
    predictor = Predictor(classifier(), NAMES)
    first, second = rows(predictor.batch([opened, content.getvalue()]))
    np.testing.assert_array_equal(first, second)


def test_what_is_no_classifier_is_refused(tmp_path):
    """Other inputs, other outputs, other files, other things."""
    image = keras.Input((8, 8, 3))
    maps = keras.Model(image, keras.layers.Conv2D(2, 3)(image))
    vector = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    anywhere = keras.Input((None, None, 3))
    unsized = keras.layers.GlobalAveragePooling2D()(anywhere)
    for model in (maps, vector, keras.Model(anywhere, unsized), "model.h5", 3):
        with pytest.raises(InvalidArgument, match="Expected"):
            Predictor(model)
    (tmp_path / "model.keras").write_bytes(b"PK no model")
    for path in (tmp_path / "model.keras", tmp_path / "absent.keras", tmp_path):
        with pytest.raises(CorruptFile):
            Predictor(path)


def test_a_prediction_ranks_and_prints():
    """The best first; equal ones in label order; the JSON of the services."""
    found = Prediction({"cat": 0.25, "dog": 0.5, "frog": 0.25})
    assert (found.name, found.confidence) == ("dog", 0.5)
    assert found.top(2) == (("dog", 0.5), ("cat", 0.25))
    assert str(found) == "dog 50.0%, cat 25.0%, frog 25.0%"
    assert json.loads(json.dumps(found.to_dict())) == {
        "predicted_class": "dog",
        "confidence": 0.5,
        "probabilities": {"cat": 0.25, "dog": 0.5, "frog": 0.25},
    }
    with pytest.raises(TypeError):
        found.probabilities["cat"] = 1.0
    with pytest.raises(InvalidArgument, match="Expected k to be a whole number"):
        found.top(0)


def test_outputs_that_are_no_probabilities_are_refused():
    """Logits, and a network that has diverged, get no confident answer."""
    image = keras.Input((16, 16, 3))
    flat = keras.layers.Flatten()(image)
    logits = keras.Model(image, keras.layers.Dense(3, kernel_initializer="ones")(flat))
    broken = classifier()
    broken.set_weights([np.full_like(each, np.nan) for each in broken.get_weights()])
    for model in (logits, broken):
        with pytest.raises(InvalidData):
            Predictor(model, NAMES)(picture(16, 16))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pillow_images_of_unknown_range_are_refused(mode):
    """32 bits may mean anything; an image of them is not quietly made black."""
    with pytest.raises(InvalidImage, match="range is not known"):
        from_pillow(Image.new("L", (4, 4), 200).convert(mode))


def test_one_image_is_not_called_image_0(predictor):
    """A place is named where there are several."""
    with pytest.raises(InvalidImage, match=r"^Expected"):
        predictor(b"no image")


@pytest.mark.parametrize("name", ["tpyo", "tpyo.keras", "tpyo.onnx"])
def test_nothing_is_said_to_be_nothing(tmp_path, name):
    """And not that something beside it is missing."""
    with pytest.raises(CorruptFile, match="nothing is there"):
        Predictor(tmp_path / name)


def test_a_file_without_a_suffix_is_of_no_kind(tmp_path):
    """It is no SavedModel, which is a folder."""
    (tmp_path / "model").write_bytes(b"model")
    with pytest.raises(InvalidArgument, match="exported file"):
        Predictor(tmp_path / "model")
