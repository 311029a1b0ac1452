"""The scikit-learn side: its contract, and each distinct image computed once."""

import copy
import pickle
import warnings
import zipfile
from datetime import datetime
from types import SimpleNamespace

import joblib
import keras
import numpy as np
import pytest
from keras.src.saving import saving_lib
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks as checks
from sklearn.utils.validation import validate_data

from cifarkit import backbones, datasets
from cifarkit._errors import InvalidArgument, InvalidData, UnknownName
from cifarkit.activations import Cache, _extract, extract, kept
from cifarkit.estimator import Features, _frozen, classifier

SIZE = 16


def tiny(features=6):
    """Return a small backbone whose weights every call shares."""
    glorot = keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(4, 3, kernel_initializer=glorot(1), name="conv_1"),
            keras.layers.ReLU(name="relu_1"),
            keras.layers.Conv2D(features, 3, kernel_initializer=glorot(2)),
        ],
        name="tiny",
    )
    return backbones.wrap(model, preprocess="unit")


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty, and one engine."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)


@pytest.fixture(scope="module")
def backbone():
    """The small backbone, once for all tests."""
    return tiny()


@pytest.fixture(scope="module")
def split():
    """A few learnable images."""
    return datasets.synthetic(n=150, size=SIZE, classes=3).train


@pytest.fixture
def computed(monkeypatch):
    """Return the list of all images that go through a frozen part."""
    seen, original = [], _extract.engine_for

    def counting(prefix, sample, precision):
        run, engine = original(prefix, sample, precision)

        def counted(batch):
            # The last batch is filled up by repeats of its first image.
            seen.extend({image.tobytes() for image in batch})
            return run(batch)

        return counted, engine

    monkeypatch.setattr(_extract, "engine_for", counting)
    return seen


def search(estimator, **options):
    """Return a search over three strengths and three folds."""
    grid = {"head__C": [1e-3, 1e-1, 10.0]}
    return GridSearchCV(estimator, grid, cv=3, error_score="raise", **options)


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_a_search_computes_each_distinct_image_once(backbone, split, computed, backend):
    """Nine fits and a refit: as many images go through as there are distinct ones."""
    images = np.concatenate([split.images, split.images[:20]])
    labels = np.concatenate([split.labels, split.labels[:20]])
    with joblib.parallel_backend(backend, n_jobs=2):
        found = search(classifier(backbone, size=SIZE)).fit(images, labels)
    assert len(computed) == len(split)
    assert len(set(computed)) == len(split)
    assert found.score(images, labels) > 0.9
    assert len(computed) == len(split)
    found.predict(images[:1] // 2)
    assert len(computed) == len(split) + 1


def test_a_later_process_finds_the_features_of_a_search(backbone, split, monkeypatch):
    """What one search has computed, the same search reads from disk."""
    estimator = classifier(backbone, size=SIZE)
    first = search(estimator).fit(split.images, split.labels)
    monkeypatch.setattr(_extract, "engine_for", None)
    again = search(copy.deepcopy(estimator)).fit(split.images, split.labels)
    assert again.best_score_ == first.best_score_
    assert len(kept()) == 2


@pytest.mark.parametrize("pooling", ["avg", "max", "avg_max", "flatten"])
def test_features_are_those_of_the_backbone(backbone, split, pooling):
    """In float32, they equal the pooled maps of the resized images."""
    features = Features(
        backbone, size=20, pooling=pooling, cache=Cache(dtype="float32", disk=False)
    )
    given = features.fit_transform(split.images[:5])
    resized = keras.layers.Resizing(20, 20, "bicubic")(
        split.images[:5].astype(np.float32)
    )
    maps = np.asarray(backbone.build(20)(resized))
    flat = maps.reshape(5, -1)
    mean, most = maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))
    both = np.concatenate([mean, most], axis=1)
    expected = {"avg": mean, "max": most, "avg_max": both, "flatten": flat}[pooling]
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-5)
    assert len(features.get_feature_names_out()) == expected.shape[1]


def test_any_order_and_any_part_get_their_own_features(backbone, split):
    """Rows go with their images, wherever these have been computed."""
    features = Features(backbone, size=SIZE).fit(split.images)
    few = features.transform(split.images[10:30])
    every = features.transform(split.images)
    assert np.array_equal(every[10:30], few)
    chosen = np.random.default_rng(0).integers(0, len(split), 50)
    assert np.array_equal(features.transform(split.images[chosen]), every[chosen])
    whole = extract(features.frozen_._network, split.images).view(0)
    np.testing.assert_allclose(every, whole, rtol=1e-3, atol=1e-3)


def test_what_is_forgotten_is_read_again(backbone, split, monkeypatch):
    """Of many arrays only the last ones stay at hand; the features stay right."""
    monkeypatch.setattr(_frozen, "MOST", 2)
    features = Features(backbone, size=SIZE).fit(split.images)
    expected = clone(features).fit_transform(split.images)
    other = Features(backbone, size=SIZE).fit(split.images)
    # The third needs what it makes the transformer forget.
    for start, stop in ((0, 12), (10, 22), (0, 40), (20, 50), (0, 12)):
        given = other.transform(split.images[start:stop])
        np.testing.assert_allclose(given, expected[start:stop], atol=1e-3)
        assert len(other.frozen_._seen) <= 2


def test_what_was_asked_for_last_stays_at_hand(backbone, split, computed, monkeypatch):
    """A training set that is scored again and again is not what is forgotten."""
    monkeypatch.setattr(_frozen, "MOST", 3)
    options = {"size": SIZE, "cache": Cache(disk=False)}
    features = Features(backbone, **options).fit(split.images)
    for start in range(40, 46):
        features.transform(split.images[:40])
        features.transform(split.images[start : start + 1])
    assert len(computed) == 46


def test_labels_of_any_kind(backbone, split):
    """Names in, names out; probabilities in the order of the classes."""
    names = np.array(["cow", "ant", "bee"])[split.labels]
    fitted = classifier(backbone, size=SIZE, C=1.0).fit(split.images, names)
    assert fitted.classes_.tolist() == ["ant", "bee", "cow"]
    shares = fitted.predict_proba(split.images)
    predicted = fitted.predict(split.images)
    assert np.array_equal(fitted.classes_[shares.argmax(axis=1)], predicted)
    assert fitted.score(split.images, names) == np.mean(predicted == names) > 0.9


def test_settings_are_those_of_a_transformer(backbone):
    """Settings are read, set and cloned as they are; nothing is copied."""
    features = Features(backbone, size=SIZE, pooling="max", cache=Cache(disk=False))
    twin = clone(features)
    assert twin.get_params() == features.get_params()
    assert twin.backbone is backbone
    twin.set_params(size=24, pooling="avg")
    assert (features.size, features.pooling) == (SIZE, "max")


def test_a_search_over_backbones_computes_each_image_once(split, computed):
    """scikit-learn copies what it tries; a copy is the same backbone still."""
    narrow, wide = tiny(5), tiny(6)
    grid = {"features__backbone": [narrow, wide], "head__C": [0.1, 1.0]}
    estimator = classifier(narrow, size=SIZE, cache=Cache(disk=False))
    GridSearchCV(estimator, grid, cv=3).fit(split.images, split.labels)
    assert len(computed) == 2 * len(split)
    assert copy.deepcopy(wide) is wide


def test_another_setting_is_another_network(backbone, split):
    """A clone with another size or backbone does not get the first one's features."""
    features = Features(backbone, size=SIZE)
    first = features.fit_transform(split.images[:8])
    larger = clone(features).set_params(size=24).fit_transform(split.images[:8])
    assert not np.array_equal(first, larger)
    wide = clone(features).set_params(backbone=tiny(9)).fit_transform(split.images[:8])
    assert wide.shape == (8, 9)
    assert np.array_equal(clone(features).fit_transform(split.images[:8]), first)


def test_clones_keep_what_scikit_learn_has_set(backbone):
    """The output container that a user chose is part of a clone."""
    features = Features(backbone).set_output(transform="default")
    twin = clone(features)
    assert twin._sklearn_output_config == features._sklearn_output_config
    assert twin._sklearn_output_config is not features._sklearn_output_config


def test_random_weights_are_the_same_for_all_clones(split):
    """Fit and transform of a random network see one network, through pickle too."""
    random = backbones.get("mobilenetv2", weights=None)
    features = Features(random, size=64, cache=Cache(dtype="float32", disk=False))
    first = features.fit_transform(split.images[:4])
    assert np.array_equal(clone(features).fit_transform(split.images[:4]), first)
    loaded = pickle.loads(pickle.dumps(features))
    np.testing.assert_allclose(
        loaded.transform(split.images[:4]), first, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "images", "error", "words"),
    [
        ({}, np.zeros((4, 8, 8, 3), np.float32), InvalidData, "uint8"),
        ({}, np.zeros((4, 8, 8), np.uint8), InvalidData, r"\(4, 8, 8\)"),
        ({}, np.zeros((0, 8, 8, 3), np.uint8), InvalidData, "at least one image"),
        ({"backbone": "mobilnetv2"}, None, UnknownName, "Did you mean"),
        ({"backbone": 3}, None, InvalidArgument, "name or a Backbone"),
        ({"backbone": ["mobilenetv2"]}, None, InvalidArgument, "name or a Backbone"),
        ({"size": 0}, None, InvalidArgument, "at least 1 x 1"),
        ({"size": [96]}, None, InvalidArgument, "whole number"),
        ({"pooling": "mean"}, None, UnknownName, "pooling"),
        ({"cache": "auto"}, None, InvalidArgument, "activations.Cache"),
    ],
)
def test_what_cannot_be_meant_is_refused(backbone, settings, images, error, words):
    """One clear error at fit, as scikit-learn wants it."""
    images = np.zeros((4, 8, 8, 3), np.uint8) if images is None else images
    with pytest.raises(error, match=words):
        Features(**{"backbone": backbone, "size": SIZE} | settings).fit(images)


def test_other_images_than_fitted_are_refused(backbone, split):
    """Height and width are those of fit; and fit comes first."""
    features = Features(backbone, size=SIZE)
    with pytest.raises(NotFittedError):
        features.transform(split.images)
    features.fit(split.images)
    with pytest.raises(InvalidData, match=r"\(16, 16, 3\), as fit saw"):
        features.transform(np.zeros((2, 8, 8, 3), np.uint8))


def test_scikit_learn_checks_what_needs_no_table(backbone):
    """`check_estimator` itself; for images it leaves out all that needs a table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        checks.check_estimator(Features(backbone, size=SIZE))
    for check in (
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
    ):
        getattr(checks, check)("Features", Features(backbone, size=SIZE))


class Rows(Features):
    """The transformer for a table of numbers, each row an image of one line."""

    def fit(self, X, y=None):
        """Fit to images that are made of the rows."""
        return super().fit(self._images(X, reset=True))

    def transform(self, X):
        """Transform images that are made of the rows."""
        if not hasattr(self, "n_features_in_"):
            raise NotFittedError
        return super().transform(self._images(X, reset=False))

    def _images(self, X, reset):
        rows = np.clip(np.rint(validate_data(self, X, reset=reset)), 0, 255)
        return np.repeat(rows.astype(np.uint8)[:, None, :, None], 3, axis=3)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


@pytest.mark.parametrize(
    "check",
    [
        "check_estimators_fit_returns_self",
        "check_estimators_overwrite_params",
        "check_dont_overwrite_parameters",
        "check_estimators_unfitted",
        "check_fit_check_is_fitted",
        "check_fit_score_takes_y",
        "check_dict_unchanged",
        "check_fit_idempotent",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_pipeline_consistency",
        "check_estimators_pickle",
        "check_transformer_general",
        "check_transformer_data_not_an_array",
        "check_transformers_unfitted",
        "check_f_contiguous_array_estimator",
        "check_n_features_in",
        "check_readonly_memmap_input",
        "check_set_output_transform",
        "check_transformer_get_feature_names_out",
    ],
)
def test_scikit_learn_checks_the_rest(backbone, check, monkeypatch):
    """Its own checks of transformers, on tables that are read as images.

    One compares pickles from before and after `fit`. Keras writes the time into those
    of a model, as their archive does, and a backbone notes the source of its weights
    when it is built.
    """
    noon = SimpleNamespace(now=lambda: datetime(2026, 1, 1, 12))
    monkeypatch.setattr(saving_lib, "datetime", SimpleNamespace(datetime=noon))
    clock = SimpleNamespace(
        time=lambda: 0.0, localtime=lambda _: (2026, 1, 1, 12, 0, 0)
    )
    monkeypatch.setattr(zipfile, "time", clock)
    backbone.build(SIZE)
    rows = Rows(backbone, size=SIZE, cache=Cache(disk=False))
    getattr(checks, check)("Rows", rows)


def test_a_mixed_up_row_would_be_seen(backbone, split):
    """No two images here have the same features, so that each row is told apart."""
    given = Features(backbone, size=SIZE).fit_transform(split.images)
    assert len(np.unique(given, axis=0)) == len(split)
