"""The figures of merit obey their identities, and scikit-learn agrees."""

import doctest
import importlib
import itertools
import math
import pkgutil
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from cifarkit import metrics
from cifarkit._errors import InvalidArgument, InvalidData
from strategies import answers, matrices

GOOD = np.array([[0.9, 0.1], [0.2, 0.8]])


@given(answers())
def test_rows_of_the_confusion_matrix_are_the_class_counts(drawn):
    """Every image is counted once, in the row of its true class."""
    labels, probabilities = drawn
    classes = probabilities.shape[1]
    matrix = metrics.confusion(labels, probabilities.argmax(axis=1), classes=classes)
    assert matrix.dtype == np.int64
    assert matrix.sum(axis=1).tolist() == [(labels == c).sum() for c in range(classes)]


@given(answers())
def test_trace_is_accuracy(drawn):
    """The diagonal of the matrix holds the right answers."""
    labels, probabilities = drawn
    predicted = probabilities.argmax(axis=1)
    matrix = metrics.confusion(labels, predicted, classes=probabilities.shape[1])
    assert metrics.accuracy(labels, predicted) == matrix.trace() / len(labels)


@given(answers(), st.randoms())
def test_relabelling_permutes_the_confusion_matrix(drawn, random):
    """New class numbers move rows and columns and change no count."""
    labels, probabilities = drawn
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    new = np.array(random.sample(range(classes), classes))
    before = metrics.confusion(labels, predicted, classes=classes)
    after = metrics.confusion(new[labels], new[predicted], classes=classes)
    assert (after[np.ix_(new, new)] == before).all()


@given(answers(fewest=2))
def test_confusion_agrees_with_scikit_learn(drawn):
    """Rows are true classes and columns predicted ones, as in scikit-learn."""
    labels, probabilities = drawn
    classes, predicted = probabilities.shape[1], probabilities.argmax(axis=1)
    theirs = sklearn.confusion_matrix(labels, predicted, labels=range(classes))
    assert (metrics.confusion(labels, predicted, classes=classes) == theirs).all()


@given(answers())
def test_top_k_grows_to_one(drawn):
    """Top-1 is the accuracy, a larger k never lowers the share, and top-C is all."""
    labels, probabilities = drawn
    classes = probabilities.shape[1]
    shares = [metrics.top_k(labels, probabilities, k=k + 1) for k in range(classes)]
    assert shares[0] == metrics.accuracy(labels, probabilities.argmax(axis=1))
    assert shares == sorted(shares)
    assert shares[-1] == 1


@given(st.integers(0, 2**32 - 1), st.integers(3, 8), st.integers(1, 20))
def test_top_k_agrees_with_scikit_learn(seed, classes, length):
    """Without ties the share is scikit-learn's."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), length)
    labels = generator.integers(0, classes, length)
    theirs = sklearn.top_k_accuracy_score(
        labels, probabilities, k=2, labels=range(classes)
    )
    assert metrics.top_k(labels, probabilities, k=2) == pytest.approx(theirs)


@given(answers())
def test_per_class_is_scikit_learn_on_the_images(drawn):
    """Scores from the matrix are those from labels and predictions."""
    labels, probabilities = drawn
    classes, predicted = probabilities.shape[1], probabilities.argmax(axis=1)
    names = [str(c) for c in range(classes)]
    matrix = metrics.confusion(labels, predicted, classes=classes)
    ours = metrics.per_class(matrix, names)
    theirs = sklearn.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=0.0
    )
    columns = zip(
        *[(r.precision, r.recall, r.f1, r.support) for r in ours], strict=True
    )
    assert [r.name for r in ours] == names
    np.testing.assert_allclose(list(columns), theirs, rtol=1e-12)


def test_empty_classes_score_zero():
    """A class without images and without predictions scores 0 and warns of nothing."""
    *_, empty = metrics.per_class(np.array([[2, 0], [0, 0]]), ["full", "empty"])
    assert (empty.precision, empty.recall, empty.f1, empty.support) == (0, 0, 0, 0)


def test_pairs_of_equal_counts_are_in_label_order():
    """However many there are."""
    names = [f"{number:02}" for number in range(30)]
    counts = 1 + np.add.outer(np.arange(30), np.arange(30)) % 3
    found = metrics.confused_pairs(counts, names)
    told = [(-each.count, each.first, each.second) for each in found]
    assert told == sorted(told)


@given(matrices())
def test_confused_pairs_hold_every_mistake(matrix):
    """Both directions are summed, the worst pair is first, and no mistake is lost."""
    names = [str(c) for c in range(len(matrix))]
    pairs = metrics.confused_pairs(matrix, names)
    counts = [pair.count for pair in pairs]
    assert sum(counts) == matrix.sum() - matrix.trace()
    assert counts == sorted(counts, reverse=True)
    assert 0 not in counts
    for pair in pairs:
        i, j = int(pair.first), int(pair.second)
        assert i < j
        assert pair.count == matrix[i, j] + matrix[j, i]


@given(answers(fewest=2))
def test_cross_entropy_agrees_with_scikit_learn(drawn):
    """On probabilities above the clip the loss is scikit-learn's log loss."""
    labels, probabilities = drawn
    soft = (probabilities + 0.1) / (probabilities + 0.1).sum(axis=1, keepdims=True)
    theirs = sklearn.log_loss(labels, soft, labels=range(soft.shape[1]))
    assert metrics.cross_entropy(labels, soft) == pytest.approx(theirs)


def test_cross_entropy_has_ends():
    """Certainty costs 0 if right, and the log of the clip, no infinity, if wrong."""
    certain = np.array([[1.0, 0.0]])
    assert str(metrics.cross_entropy(np.array([0]), certain)) == "0.0"
    assert metrics.cross_entropy(np.array([1]), certain) == pytest.approx(
        7 * np.log(10)
    )


@given(answers(), st.integers(1, 30))
def test_calibration_error_is_a_share(drawn, bins):
    """The error lies in [0, 1] whatever the bins."""
    assert 0 <= metrics.calibration_error(*drawn, bins=bins) <= 1


@given(answers())
def test_one_bin_leaves_the_mean_gap(drawn):
    """With one bin the error is the gap between accuracy and mean confidence."""
    labels, probabilities = drawn
    accuracy = metrics.accuracy(labels, probabilities.argmax(axis=1))
    gap = abs(accuracy - probabilities.max(axis=1).mean())
    assert metrics.calibration_error(labels, probabilities, bins=1) == pytest.approx(
        gap
    )


@given(answers(), st.integers(1, 30))
def test_calibration_error_is_the_mean_over_bins_of_equal_width(drawn, bins):
    """As Guo et al. write it: for each bin its share times its gap."""
    labels, probabilities = drawn
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    edges[-1] = np.inf
    error = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (sure > low) & (sure <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    found = metrics.calibration_error(labels, probabilities, bins=bins)
    assert found == pytest.approx(error)


@given(st.lists(st.integers(6, 10), min_size=1, max_size=6))
def test_kept_confidences_have_no_calibration_error(tenths):
    """Where 7 of 10 answers given at 0.7 are right, and so on, the error is 0."""
    labels = np.concatenate([np.arange(10) >= right for right in tenths]).astype(int)
    sure = np.repeat(np.array(tenths) / 10, 10)
    error = metrics.calibration_error(labels, np.stack([sure, 1 - sure], axis=1))
    assert error == pytest.approx(0, abs=1e-12)


def test_calibration_bins_are_closed_above():
    """A confidence of exactly 8/10 shares the bin of 0.75, not that of 0.85."""
    labels = np.array([1, 0])
    below = np.array([[0.75, 0.25], [0.8, 0.2]])
    above = np.array([[0.85, 0.15], [0.8, 0.2]])
    shared, apart = (0.75 - 0.2) / 2, (0.85 + 0.2) / 2
    assert metrics.calibration_error(labels, below, bins=10) == pytest.approx(shared)
    assert metrics.calibration_error(labels, above, bins=10) == pytest.approx(apart)


@given(
    st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
)
def test_wilson_interval_holds_the_share(counts):
    """The interval lies in [0, 1] around the share and is never a point."""
    successes, trials = counts
    low, high = metrics.wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    assert low < high


def test_wilson_interval_ends_exactly():
    """No right answer gives 0 as the lower limit, and only right ones 1 as the upper.

    Rounding alone would miss both by 1e-17 or so.
    """
    for trials in range(1, 1000):
        assert metrics.wilson_interval(0, trials)[0] == 0
        assert metrics.wilson_interval(trials, trials)[1] == 1


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(2, 100))
def test_wilson_interval_shrinks_with_more_trials(trials, successes, factor):
    """The same share of more trials is surer."""
    successes = min(successes, trials)
    low, high = metrics.wilson_interval(successes, trials)
    lower, higher = metrics.wilson_interval(successes * factor, trials * factor)
    assert higher - lower < high - low


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_wilson_limits_solve_the_score_equation(trials, successes):
    """At a limit the share is 1.96 standard errors away, as the source defines it."""
    share = min(successes, trials) / trials
    for limit in metrics.wilson_interval(min(successes, trials), trials):
        error = 1.959964**2 * limit * (1 - limit) / trials
        assert (share - limit) ** 2 == pytest.approx(error, rel=1e-4, abs=1e-12)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 40))
def test_mcnemar_is_the_fair_coin(first, second, both):
    """Against the sum of binomial chances; it is symmetric, and 1 where all agree."""
    labels = np.zeros(first + second + both + 1, np.int64)
    one, other = labels.copy(), labels.copy()
    other[:first], one[first : first + second] = 1, 1
    found = metrics.mcnemar(labels, one, other)
    assert (found.only_first, found.only_second) == (first, second)
    count, fewer = first + second, min(first, second)
    tail = sum(math.comb(count, k) for k in range(fewer + 1)) / 2**count
    assert found.p_value == pytest.approx(min(1.0, 2 * tail))
    assert metrics.mcnemar(labels, other, one).p_value == found.p_value


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        (np.array([[0], [1]]), r"labels\[:, 0\]"),
        (np.array([[1, 0], [0, 1]]), "argmax"),
        (np.array([0.0, 1.0]), "astype"),
        (np.array([True, False]), "astype"),
        (np.array(["cat", "dog"]), "astype"),
        (np.array([0, 2]), "below 2"),
        (np.array([-1, 1]), "from -1 to 1"),
        (np.array([], dtype=int), "at least one"),
        (np.array([0]), "1 labels and 2 probabilities"),
    ],
)
def test_bad_labels_are_refused(labels, hint):
    """Each kind of wrong labels gets one error that says what to do."""
    with pytest.raises(InvalidData, match=hint):
        metrics.cross_entropy(labels, GOOD)


@pytest.mark.parametrize(
    ("probabilities", "hint"),
    [
        (GOOD[:, 0], r"shape \(2,\)"),
        (GOOD[:, :0], r"shape \(2, 0\)"),
        (GOOD > 0.5, "bool"),
        (GOOD.astype(int), "int64"),
        (np.array([[0.9, 0.1], [np.nan, 0.8]]), "NaN or infinity in row 1"),
        (np.array([[0.9, 0.1], [np.inf, 0.8]]), "NaN or infinity in row 1"),
        (np.array([[0.9, 0.1], [0.9, 0.8]]), "row 1 has the sum 1.7.*logits.*softmax"),
        (np.array([[0.9, 0.1], [-0.5, 1.5]]), "from -0.5 to 1.5, where row 1.*logits"),
    ],
)
@pytest.mark.parametrize("metric", [metrics.cross_entropy, metrics.calibration_error])
def test_bad_probabilities_are_refused(metric, probabilities, hint):
    """Each kind of wrong probabilities gets one error that says what to do."""
    with pytest.raises(InvalidData, match=hint):
        metric(np.array([0, 1]), probabilities)


def test_half_precision_passes():
    """A softmax cut to the 8 bits of bfloat16 is not taken for logits."""
    exact = np.random.default_rng(0).dirichlet(np.ones(100), 50).astype(np.float32)
    cut = (exact.view(np.uint32) & 0xFFFF0000).view(np.float32)
    assert metrics.top_k(np.zeros(50, np.uint8), cut, k=100) == 1


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([1, 2]),
        np.zeros((0, 0), int),
        np.array([[1, 2, 3], [4, 5, 6]]),
        np.array([[0.5, 1], [1, 1]]),
        np.array([[-1, 1], [1, 1]]),
    ],
)
@pytest.mark.parametrize("score", [metrics.per_class, metrics.confused_pairs])
def test_bad_matrices_are_refused(score, matrix):
    """What is no square of counts is an error."""
    with pytest.raises(InvalidData, match="counts of shape"):
        score(matrix, ["one", "two"])


@pytest.mark.parametrize("score", [metrics.per_class, metrics.confused_pairs])
def test_names_fit_the_matrix(score):
    """One for each class."""
    with pytest.raises(InvalidData, match="one name for each of 3"):
        score(np.eye(3, dtype=int), ["one", "two"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.confusion(np.array([0, 2]), np.array([0, 0]), classes=2),
        lambda: metrics.confusion(np.array([0, 1]), np.array([3, 0]), classes=2),
        lambda: metrics.confusion(np.array([0, 1]), np.array([0]), classes=2),
        lambda: metrics.mcnemar(np.array([0, 1]), np.array([0]), np.array([0, 1])),
        lambda: metrics.mcnemar(np.array([0, 1]), np.array([0, 1]), np.array([0])),
    ],
)
def test_what_would_be_counted_wrongly_is_refused(call):
    """A class that there is not lies in another cell; one value would serve for all."""
    with pytest.raises(InvalidData, match=r"below 2|of one length"):
        call()


def test_there_are_15_bins_unless_told():
    """The two lie in one bin of 15, and in two of 14 or of 16."""
    rows = np.array([[0.61, 0.39], [0.65, 0.35]])
    found = metrics.calibration_error(np.array([0, 1]), rows)
    assert found == pytest.approx(0.13)


def test_a_probability_above_one_by_rounding_costs_nothing():
    """A loss is never negative."""
    assert metrics.cross_entropy(np.array([0]), np.array([[1.0000001, 0.0]])) == 0


def test_equal_pairs_stay_in_label_order():
    """As they are documented."""
    found = metrics.confused_pairs(np.ones((7, 7), int), list("abcdefg"))
    wanted = list(itertools.combinations("abcdefg", 2))
    assert [(each.first, each.second) for each in found] == wanted[: len(found)]


@pytest.mark.parametrize(("second", "total"), [([0.3, 0.2], 0.5), ([0.9, 0.12], 1.02)])
def test_rows_sum_to_one(second, total):
    """Below and above; the row is named."""
    rows = np.array([[0.9, 0.1], second])
    with pytest.raises(InvalidData, match=f"row 1 has the sum {total}"):
        metrics.cross_entropy(np.array([0, 0]), rows)


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.top_k(np.array([0, 1]), GOOD, k=0),
        lambda: metrics.top_k(np.array([0, 1]), GOOD, k=3),
        lambda: metrics.top_k(np.array([0, 1]), GOOD, k=1.0),
        lambda: metrics.top_k(np.array([0, 1]), GOOD, k=True),
        lambda: metrics.calibration_error(np.array([0, 1]), GOOD, bins=0),
        lambda: metrics.wilson_interval(0, 0),
        lambda: metrics.wilson_interval(3, 2),
        lambda: metrics.wilson_interval(-1, 2),
        lambda: metrics.confusion(np.array([0]), np.array([0]), classes=0),
    ],
)
def test_numbers_outside_their_range_are_refused(call):
    """A k, a number of bins or a count that cannot be meant is an argument error."""
    with pytest.raises(InvalidArgument, match="whole number"):
        call()


def test_predictions_of_another_length_are_refused():
    """Labels and predictions of different splits are not compared."""
    with pytest.raises(InvalidData, match="2 labels and 1 predictions"):
        metrics.accuracy(np.array([0, 1]), np.array([0]))


@pytest.mark.parametrize(
    "module",
    [
        importlib.import_module(f"cifarkit.metrics.{found.name}")
        for found in pkgutil.iter_modules(metrics.__path__)
    ],
)
def test_examples_run(module: ModuleType):
    """Every example in the docstrings gives what it shows."""
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0
