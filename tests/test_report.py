"""Reports: one folder that tells all, and comparisons that know noise."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit import (
    Phase,
    TwoPhaseTrainer,
    augment,
    calibration,
    datasets,
    evaluate,
    evaluation,
    metrics,
    models,
    recipes,
    report,
)
from cifarkit._errors import InvalidArgument, InvalidData, WriteError
from cifarkit.doctoring import Twin
from cifarkit.metrics import Paired
from cifarkit.report import Comparison, _claims, _course, _network, _opening, _quality
from cifarkit.report._blocks import Code, Heading, Picture, Points, Table, Text
from cifarkit.report._calibrated import Calibrated, calibrated
from cifarkit.report._calibrated import calibration as calibration_text
from cifarkit.report._html import html
from cifarkit.report._markdown import markdown
from cifarkit.report._pictures import Album, _looked_at, _named
from cifarkit.report._twins import apart, near_twins

CLAIMED = {"accuracy": 0.9024, "loss": 0.33, "gap": None, "f1": {"class 1": 0.8}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small training, its evaluation and its report."""
    data = datasets.synthetic(n=100, size=16, classes=4)
    other = data.validation.labels.copy()
    other[0] = (other[0] + 1) % 4  # without mistakes there is no temperature
    data = replace(data, validation=replace(data.validation, labels=other))
    network = models.cnn("s2-m1", classes=4, size=16)
    trainer = TwoPhaseTrainer(network, phase_1=Phase(epochs=2), verbose=0)
    result = trainer.fit(data)
    evaluation = evaluate(result.model, data.test)
    folder = report.write(
        tmp_path_factory.mktemp("runs") / "report",
        result,
        evaluation,
        data,
        augment=[augment.flip()],
        claimed=CLAIMED,
        twins=[Twin(0.97, 3, 1), Twin(0.96, 5, 7), Twin(0.95, 4, 2)],
        notes="The checkpoint was another one.",
    )
    return SimpleNamespace(
        data=data, result=result, evaluation=evaluation, folder=folder
    )


def test_a_report_has_all_sections(made):
    """From the objective to the deployment, in Markdown and in HTML."""
    text = (made.folder / "report.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == [
        *("Objective", "Data", "Architecture", "Preprocessing", "Training"),
        *("Results on the test images", "Near twins", "Comparison with the claim"),
        *("Limits", "Deployment"),
    ]
    page = (made.folder / "report.html").read_text()
    assert re.findall(r"<h2>(.*?)</h2>", page) == headings


def test_a_report_says_the_figures(made):
    """Accuracy, its interval, F1 of each class, statistics, the claim beside it."""
    text = (made.folder / "report.md").read_text()
    low, high = made.evaluation.interval
    assert f"{made.evaluation.accuracy:.2%}" in text
    assert f"{low:.2%} to {high:.2%}" in text
    for score in made.evaluation.per_class:
        assert f"| {score.recall:.3f} | {score.f1:.3f} |" in text
    for channel in datasets.channels(made.data.train):
        assert f"| {channel.mean:.2f} | {channel.deviation:.2f} |" in text
    assert f"| accuracy | 90.24% | {made.evaluation.accuracy:.2%} |" in text
    assert f"{100 * made.result.gap:.2f} points" in text
    f1 = next(each.f1 for each in made.evaluation.per_class if each.name == "class 1")
    assert f"| class 1 | 0.80 | {f1:.2f} |" in text
    assert "- The checkpoint was another one." in text


def test_every_picture_of_a_report_is_there(made):
    """What the Markdown shows lies beside it; the HTML has it inside."""
    text = (made.folder / "report.md").read_text()
    paths = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert {path.name for path in (made.folder / "figures").iterdir()} == {
        path.removeprefix("figures/") for path in paths
    }
    assert {"figures/confusion.png", "figures/curves.png"} <= set(paths)
    page = (made.folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(paths)
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)


def test_the_record_of_a_report_can_be_read(made):
    """The JSON holds the evaluation as it was."""
    record = json.loads((made.folder / "report.json").read_text())
    assert record["evaluation"] == made.evaluation.to_dict()
    assert record["training"]["kept"] == made.result.kept
    assert record["claimed"] == CLAIMED
    assert record["twins"]["images"] == len(made.data.test) - 3
    assert record["calibration"].keys() == {"temperature", "ece", "loss"}
    assert record["notes"] == ["The checkpoint was another one."]
    assert record["data"]["source"] == made.data.source
    assert sum(record["data"]["images_per_class"]["test"]) == len(made.data.test)
    red, *_ = datasets.channels(made.data.train)
    assert record["data"]["channels"]["red"]["mean"] == red.mean


def test_a_report_without_near_twins_counts_the_others(made):
    """The accuracy is that of what an evaluation without them has."""
    rest = [place for place in range(len(made.data.test)) if place not in (1, 2, 7)]
    found = evaluate(made.result.model, made.data.test.select(rest))
    text = (made.folder / "report.md").read_text()
    low, high = found.interval
    assert (
        "among the training images: 3 (the cosine of the features of both is 0.9500"
        in text
    )
    assert f"Of the other {found.n}, {found.accuracy:.2%} are classified" in text
    assert f"(95 % interval {low:.2%} to {high:.2%})." in text


def test_a_report_says_when_all_test_images_are_twins_or_none(made):
    """No share of no images; and of no twins no other accuracy."""
    labels = made.data.test.labels
    rows = np.eye(4)[labels]
    every = [Twin(0.99, 0, place) for place in range(len(labels))]
    (_, text) = near_twins(apart(every, labels, rows))
    assert text.text.endswith("No other test image is left.")
    (_, text) = near_twins(apart([], labels, rows))
    assert "no near twin" in text.text
    assert near_twins(apart(None, labels, rows)) == []


def test_a_report_says_which_layers_of_a_backbone_learnt(made):
    """Of each phase that knows it; nothing of a network without a backbone."""
    first, *_ = made.result.phases
    known = replace(first, learnt="all 9 layers frozen"), replace(first, learnt="")
    provenance = made.result.provenance | {"head": "Head()"}
    told = replace(made.result, phases=known, kept=1, provenance=provenance)
    texts = [str(block) for block in _course.training(told)]
    assert sum("Backbone: all 9 layers frozen." in text for text in texts) == 1
    assert sum("Backbone" in text for text in texts) == 1
    assert "Backbone" not in str(list(_course.training(made.result)))


def test_claims_are_of_the_classes_of_the_evaluation(made, tmp_path):
    """Of labels without names the classes are numbers, as in the evaluation."""
    test = made.data.test
    other = evaluate(made.result.model, (test.images, test.labels))
    given = made.result, other, made.data
    report.write(tmp_path / "report", *given, claimed={"f1": {"1": 0.5}})
    assert "| 1 | 0.50 |" in (tmp_path / "report" / "report.md").read_text()
    with pytest.raises(InvalidArgument, match="none of other classes"):
        report.write(tmp_path / "none", *given, claimed={"f1": {"class 1": 0.5}})


def test_a_mean_of_two_answers_has_no_temperature(made):
    """What was fitted to it would be no temperature of the model."""
    twice = evaluate(made.result.model, made.data.test, tta=True)
    rows = np.eye(4)[made.data.test.labels]
    assert calibrated(made.result, twice, made.data, rows) is None
    assert calibrated(made.result, made.evaluation, made.data, rows) is not None


def test_no_temperature_is_fitted_to_no_mistakes(made):
    """The least loss would be at the smallest one, whatever the test images say."""
    data = made.data
    rows = evaluation.probabilities(made.result.model, data.validation.images)
    right = replace(data.validation, labels=rows.argmax(axis=1))
    splits = replace(data, validation=right)
    assert calibrated(made.result, made.evaluation, splits, rows) is None


def test_a_gap_is_explained_by_what_there_was(made):
    """A head at its optimum has no dropout and no changing weights."""
    said = _course._overfitting(made.result)
    assert "while the weights change" in said
    phases = [{"optimizer": "lbfgs"}] * len(made.result.phases)
    solved = replace(
        made.result, provenance={**made.result.provenance, "phases": phases}
    )
    assert "finished head, without dropout" in _course._overfitting(solved)


@pytest.mark.parametrize(
    ("loss", "ece", "words"),
    [
        (-0.01, -0.001, "export("),
        (0.01, -0.001, "no clear"),
        (-0.01, 0.001, "no clear"),
    ],
)
def test_a_temperature_is_recommended_where_it_helps(made, loss, ece, words):
    """On the test images, by both figures."""
    before = replace(made.evaluation, loss=0.5, objective=0.5, ece=0.1)
    found = Calibrated(1.5, ece=0.1 + 0.01 * ece, loss=0.5 + 0.01 * loss)
    (said,) = calibration_text(found, before)
    assert words in said.text


def test_a_report_tells_what_a_temperature_does(made):
    """What it says is what the scaled model has, of a temperature of validation."""
    data, model = made.data, made.result.model
    rows = evaluation.probabilities(model, data.validation.images)
    found = calibration.temperature(data.validation.labels, rows)
    other = evaluate(calibration.scaled(model, found), data.test)
    told = json.loads((made.folder / "report.json").read_text())["calibration"]
    assert told["temperature"] == found
    assert told["loss"] == pytest.approx(other.loss, rel=1e-4)
    assert told["ece"] == pytest.approx(other.ece, abs=1e-4)
    assert f"{other.loss:.4f}" in (made.folder / "report.md").read_text()


@pytest.mark.parametrize(
    "options",
    [
        {"twins": [Twin(0.97, 0, 10**6)]},
        {"twins": [Twin(0.97, 0, -1)]},
        {"claimed": {"f1": {"cow": 0.5}}},
        {"claimed": {"f1": {"class 1": 1.5}}},
        {"claimed": {"f1": 0.5}},
        {"claimed": recipes.get("s3-mobilenetv2").claimed},
        {"notes": None},
        {"notes": ("one", 2)},
    ],
)
def test_what_does_not_belong_to_the_images_is_refused(made, options, tmp_path):
    """Twins that are none of the test images, classes that there are not."""
    with pytest.raises(InvalidArgument, match="Expected"):
        report.write(tmp_path / "r", made.result, made.evaluation, made.data, **options)
    assert not (tmp_path / "r").exists()


def test_a_report_is_written_again_over_itself(made):
    """The second one replaces the first, pictures too; other files stay."""
    before = {path.name for path in made.folder.rglob("*")}
    (made.folder / "figures" / "mine.png").write_bytes(b"mine")
    report.write(made.folder, made.result, made.evaluation, made.data)
    text = (made.folder / "report.md").read_text()
    assert "Comparison with the claim" not in text
    after = {path.name for path in made.folder.rglob("*")}
    assert after == before - {"augmentations.png"} | {"mine.png"}
    (made.folder / "figures" / "mine.png").unlink()


def test_a_report_that_fails_leaves_the_earlier_one(made, tmp_path, monkeypatch):
    """Every file as it was, whichever part failed."""
    place = tmp_path / "report"
    report.write(place, made.result, made.evaluation, made.data)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cifarkit.report._write.html", full)
    with pytest.raises(WriteError):
        report.write(place, made.result, made.evaluation, made.data)
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert after == before


def test_the_evaluation_of_another_model_is_refused(made, tmp_path):
    """Its tables would be beside the pictures of this one."""
    labels = made.data.test.labels
    turned = np.roll(made.evaluation.confusion, 1, axis=1)
    assert turned.sum() == len(labels)
    other = replace(made.evaluation, confusion=turned)
    fewer = replace(
        made.evaluation,
        confusion=np.diag([len(labels), 0]),
        class_names=("a", "b"),
        top_k={1: 1.0},
    )
    for each in (other, fewer):
        with pytest.raises(InvalidArgument, match=r"evaluation of result\.model"):
            report.write(tmp_path / "report", made.result, each, made.data)


@pytest.mark.parametrize("claim", [{"accuracy": 90.24}, {"test_accuracy": 0.9}])
def test_a_claim_that_cannot_be_compared_is_refused(made, tmp_path, claim):
    """Per cent in place of a share, and a name that nothing has."""
    with pytest.raises(InvalidArgument, match="accuracy in"):
        report.write(
            tmp_path / "report", made.result, made.evaluation, made.data, claimed=claim
        )


def test_the_claim_of_a_recipe_is_compared(made):
    """Penalties with penalties, no figure where there is none, nothing of nothing."""
    given = recipes.get("s4-resnet50-head").claimed.to_dict()
    _, table, *_ = _claims.claims(given, made.evaluation, made.result)
    names = [row[0] for row in table.rows]
    assert names == ["accuracy", "loss with weight penalties"]
    assert table.rows[1][2] == f"{made.evaluation.objective:.4f}"
    nothing = recipes.get("s1-resnet50-frozen").claimed.to_dict()
    assert _claims.claims(nothing, made.evaluation, made.result) == []
    unknown = SimpleNamespace(gap=float("nan"))
    _, table = _claims.claims({"gap": 0.1}, made.evaluation, unknown)
    assert table.rows == (("gap", "10.00 points", "-"),)


def test_a_file_is_no_folder(made, tmp_path):
    """A report is not written over somebody's file."""
    path = tmp_path / "report"
    path.write_text("mine")
    with pytest.raises(InvalidArgument, match="folder"):
        report.write(path, made.result, made.evaluation, made.data)
    assert path.read_text() == "mine"


def test_an_evaluation_of_other_images_is_refused(made, tmp_path):
    """Figures of the validation images are no figures of the test images."""
    other = evaluate(made.result.model, made.data.train)
    with pytest.raises(InvalidArgument, match="test images"):
        report.write(tmp_path / "report", made.result, other, made.data)
    assert not (tmp_path / "report").exists()


def test_other_training_images_are_refused(made, tmp_path):
    """Statistics of images that were not learned from say nothing of the result."""
    part = made.data.train.take(20)
    other = datasets.Splits(part, made.data.validation, made.data.test)
    with pytest.raises(
        InvalidArgument, match="training images that fit had; received 20"
    ):
        report.write(tmp_path / "report", made.result, made.evaluation, other)
    train = made.data.train
    turned = replace(made.data, train=replace(train, images=train.images[::-1]))
    with pytest.raises(InvalidArgument, match="others of the same number"):
        report.write(tmp_path / "report", made.result, made.evaluation, turned)
    fewer = replace(made.data, validation=made.data.validation.take(4))
    with pytest.raises(InvalidArgument, match="validation images that fit had"):
        report.write(tmp_path / "report", made.result, made.evaluation, fewer)
    assert not (tmp_path / "report").exists()


def test_a_report_says_how_far_two_models_must_differ(made):
    """A difference has a wider interval than one accuracy, by the root of two."""
    low, high = made.evaluation.interval
    text = (made.folder / "report.md").read_text()
    assert f"have to differ by {100 * (high - low) / 2 * 2**0.5:.1f} points;" in text


def test_a_report_without_validation_and_without_maps(tmp_path):
    """Nothing is not a number in it, and a network of vectors has a report too."""
    data = datasets.synthetic(n=100, size=16, classes=4)
    image = keras.Input((16, 16, 3))
    dense = keras.layers.Dense(4, "softmax")
    network = keras.Model(image, dense(keras.layers.Flatten()(image / 255.0)))
    trainer = TwoPhaseTrainer(network, phase_1=Phase(), verbose=0)
    result = trainer.fit((data.train.images, data.train.labels))
    evaluation = evaluate(result.model, data.test)
    data = replace(data, validation=data.validation.take(0))
    folder = report.write(tmp_path / "report", result, evaluation, data)
    text = (folder / "report.md").read_text()
    assert "nan" not in text.lower().replace("finance", "")
    assert not (folder / "figures" / "attention.png").exists()
    json.loads((folder / "report.json").read_text())


NASTY = "a <b> & *c* | d_e `f` $g$\nh"


def test_markdown_shows_words_as_they_are():
    """Names of classes may hold signs that Markdown would take for its own."""
    text = markdown([Heading(NASTY, 2), Table(("x", NASTY), ((NASTY, "1"),))])
    plain = r"a \<b\> & \*c\* \| d\_e \`f\` \$g\$ h"
    assert text == f"## {plain}\n\n| x | {plain} |\n|---|---:|\n| {plain} | 1 |\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# one", r"\# one"),
        ("## two", r"\## two"),
        ("1. first", r"1\. first"),
        ("12) twelfth", r"12\) twelfth"),
        ("- less", r"\- less"),
        ("-1 point", "-1 point"),
        ("3.5 points", "3.5 points"),
        ("R&D &amp; me", r"R&D \&amp; me"),
    ],
)
def test_a_note_begins_no_heading_or_list(text, shown):
    """Nor does it hold a sign by its name, which Markdown would put in."""
    assert markdown([Points((text,))]) == f"- {shown}\n"


def test_html_shows_words_as_they_are(tmp_path):
    """The same in HTML: what a parser reads is what was written."""
    (tmp_path / "p.png").write_bytes(b"\x89PNG")

    class Reader(HTMLParser):
        words = ""

        def handle_data(self, data):
            self.words += data

    blocks = [
        *(Heading(NASTY, 1), Text(NASTY), Points((NASTY,)), Code(NASTY)),
        *(Table((NASTY,), ((NASTY,),)), Picture("p.png", NASTY)),
    ]
    reader = Reader()
    reader.feed(html(blocks, tmp_path))
    assert reader.words.count(NASTY) == 8


def test_differences_inside_the_noise_are_called_so():
    """Twenty flips of a coin say nothing; thirty against none do."""
    labels = np.zeros(200, np.int64)
    one, other, worse = (np.tile([0.9, 0.1], (200, 1)) for _ in range(3))
    one[:11], other[11:20] = [0.1, 0.9], [0.1, 0.9]
    worse[:50] = [0.1, 0.9]
    found = report.compare(labels, {"one": one, "other": other, "worse": worse})
    text = str(found)
    assert "one against other: the difference is inside the noise (9 : 11" in text
    assert "one against worse: one is better (39 : 0" in text
    assert found.accuracy["worse"][0] == 0.75
    assert found.accuracy["worse"][1] < 0.75 < found.accuracy["worse"][2]


def test_of_many_equal_models_none_is_called_better():
    """One pair in twenty would be by chance, were their number not counted."""
    random, labels = np.random.default_rng(0), np.zeros(400, np.int64)
    rows = {}
    for number in range(20):
        right = random.random(400) < 0.7
        rows[str(number)] = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
    found = report.compare(labels, rows)
    assert min(each.p_value for each in found.paired.values()) < 0.05
    assert "better" not in str(found)
    assert all(
        found.corrected[pair] >= found.paired[pair].p_value for pair in found.paired
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_corrected_p_values_are_those_of_holm(values):
    """Against the definition: the least level at which a pair would be called."""
    pairs = {
        (str(place), ""): Paired(only_first=0, only_second=0, p_value=value)
        for place, value in enumerate(values)
    }
    found = Comparison(accuracy={}, paired=pairs).corrected
    ranked = sorted(values)
    for place, value in enumerate(values):
        steps = [
            (len(values) - rank) * each
            for rank, each in enumerate(ranked)
            if each <= value
        ]
        assert found[str(place), ""] == min(1.0, max(steps))


def test_comparisons_refuse_what_cannot_be_compared():
    """One model alone, class numbers in place of probabilities, other images."""
    labels, rows = np.zeros(4, np.int64), np.tile([0.9, 0.1], (4, 1))
    with pytest.raises(InvalidArgument, match="two models"):
        report.compare(labels, {"one": rows})
    for wrong in (labels, rows[:3], rows * np.nan):
        with pytest.raises(InvalidData, match="other: Expected"):
            report.compare(labels, {"one": rows, "other": wrong})
    with pytest.raises(InvalidData, match="one: Expected"):
        report.compare(labels + 5, {"one": rows, "other": rows})


def test_a_claim_lies_inside_or_outside(made):
    """The ends of the interval belong to it; outside, a distance is told."""
    low, high = made.evaluation.interval
    apart = 100 * (high + 0.01 - made.evaluation.accuracy)
    for value, words in (
        (low, "lies inside the"),
        (high, "lies inside the"),
        (low - 0.01, "points below the measured one, outside"),
        (high + 0.01, f"lies {apart:.2f} points above the measured one, outside"),
    ):
        claim = {"accuracy": value}
        *_, said = _claims.claims(claim, made.evaluation, made.result)
        assert words in said.text


@pytest.mark.parametrize(
    ("count", "words"),
    [(5, "inside the noise (0 : 5"), (6, "sure is better (0 : 6")],
)
def test_the_second_may_be_better_and_six_of_six_are_enough(count, words):
    """Five of five images may be chance (p = 0.0625), six of six hardly (0.031)."""
    sure, worse = (np.tile([0.9, 0.1], (100, 1)) for _ in range(2))
    worse[:count] = [0.1, 0.9]
    labels = np.zeros(100, np.int64)
    assert words in str(report.compare(labels, {"worse": worse, "sure": sure}))


@pytest.mark.parametrize(("shift", "missing"), [(0, "wrong"), (1, "right")])
def test_a_gallery_of_nothing_is_left_out(made, tmp_path, shift, missing):
    """All right, or all wrong."""
    labels = made.data.test.labels
    guess = (labels + shift) % 4
    matrix = metrics.confusion(labels, guess, classes=4)
    found = replace(made.evaluation, confusion=matrix, worst=(), top_k={})
    drawn = Album(tmp_path).of_quality(made.data, found, np.eye(4)[guess])
    assert {"right", "wrong"} - {each.path.stem for each in drawn} == {missing}


def test_the_surest_are_looked_at():
    """Of the right ones and of the wrong ones three each, the surest first."""
    sure = np.array([0.6, 0.9, 0.8, 0.7, 0.95, 0.55, 0.65, 0.75])
    own = np.where(np.arange(8) < 4, sure, 1 - sure)
    hits, errors = _looked_at(np.zeros(8, int), np.stack([own, 1 - own], axis=1))
    assert (hits.tolist(), errors.tolist()) == ([1, 2, 3], [4, 7, 6])


def test_the_words_below_a_figure_count_what_is_in_it(made, tmp_path):
    """All right, then all wrong: no errors, or no hits, are promised."""
    test = made.data.test
    for shift, words in ((0, "hits (3) and sure errors (0)"), (1, "hits (0) and sure")):
        rows = np.eye(4)[(test.labels + shift) % 4]
        album = Album(tmp_path)
        (drawn,) = album.of_attention(made.result, made.data, rows)
        assert words in drawn.caption
        named = _named(test, np.array([0]), rows)
        assert ("\ntrue: " in named[0]) == bool(shift)


def test_a_report_without_validation_or_mistakes_promises_none(made):
    """No choice by images that there are not, no table of pairs without any."""
    train = made.data.train
    none = replace(train, images=train.images[:0], labels=train.labels[:0])
    said = _opening.exploration(replace(made.data, validation=none))
    assert "choices" not in str(said)
    perfect = replace(made.evaluation, confusion=np.eye(4, dtype=int) * 25)
    assert "confused" not in str(_quality.quality(perfect))
    phase = made.result.phases[0]
    history = {"loss": phase.history["loss"], "accuracy": phase.history["accuracy"]}
    blind = _course._course(replace(phase, history=history))
    assert blind.endswith(f"the weights are those of epoch {phase.kept_epoch + 1}")


@pytest.mark.parametrize(
    ("name", "words"), [("s2-m6", "82 to 83%"), ("s2-m1", "about 55%")]
)
def test_a_rough_claim_is_quoted(name, words, made):
    """A midpoint that nobody claimed stands nowhere, and is not judged by."""
    claim = recipes.get(name, "as_published").claimed
    said = str(_claims.claims(claim.to_dict(), made.evaluation, made.result))
    assert f"'accuracy', '{words}'" in said
    assert "no exact figure" in said
    assert "points" not in said
    assert f"{claim.accuracy:.2%}" not in said + str(claim)


def test_a_rough_word_without_an_accuracy_is_no_claim(made):
    """Nothing is said of a figure that nobody gave."""
    pair = made.evaluation, made.result
    said = str(_claims.claims({"rough": "good", "loss": 1.0}, *pair))
    assert "exact figure" not in said


def test_a_class_without_test_images_has_no_scores(made):
    """Nothing is known of it: a score of 0 would say that it is never found."""
    matrix = made.evaluation.confusion.copy()
    matrix[1] = 0
    said = markdown(_quality.quality(replace(made.evaluation, confusion=matrix)))
    assert "| class 1 | - | - | - | 0 |" in said


def test_a_mean_of_two_answers_is_named(made):
    """Accuracy of images and of their mirror images together is another figure."""
    for tta in (False, True):
        how = replace(made.evaluation, tta=tta)
        said = str(_opening.objective(made.result, made.data, how))
        assert ("averaged with its mirror image" in said) == tta


def test_a_report_counts_phases_from_one(made):
    """And says which was kept, from which epoch, and how far it is overfitted."""
    text = (made.folder / "report.md").read_text()
    (phase,) = made.result.phases
    reached = f"{phase.validation_accuracy:.2%}"
    kept = f"those of epoch {phase.kept_epoch + 1}, validation accuracy {reached}."
    assert "Phase 1: 2 epochs in" in text
    assert f"each image through the whole network; the weights are {kept} These" in text
    accuracy = phase.history["accuracy"][phase.kept_epoch]
    assert f"training accuracy is {accuracy:.2%}, the validation accuracy" in text


def test_a_report_says_what_features_cost(made):
    """Nothing where an earlier phase or run had them."""
    (phase,) = made.result.phases
    for seconds, words in ((14.2, " in 14 s; the"), (3e-5, ", kept before; the")):
        kept = replace(phase, engine="openvino", features=seconds)
        assert f"on features of the frozen part by openvino{words}" in _course._course(
            kept
        )


def test_a_report_tells_settings_that_are_not_the_defaults():
    """The first ones always; beside an optimum, what means nothing has a dash."""
    solved, tuned = Phase(optimizer="LBFGS"), Phase(epochs=3, unfreeze=0.5)
    table = _course._settings([solved.to_dict(), tuned.to_dict()])
    rows = {name: tuple(cells) for name, *cells in table.rows}
    assert rows["epochs"] == ("-", "3")
    assert rows["optimizer"] == ("LBFGS", "adamw")
    assert rows["unfreeze"] == ("-", "0.5")
    decayed = Phase(weight_decay=0.02).to_dict()
    table = _course._settings([tuned.to_dict(), decayed])
    rows = {name: tuple(cells) for name, *cells in table.rows}
    assert rows["weight_decay"] == ("the optimizer's own", "0.02")
    assert rows["unfreeze"] == ("0.5", "none")
    assert "snap" not in rows
    assert "class_weight" not in rows


def test_statistics_are_told_of_both_parts_together(made):
    """Publications count training and validation images alike."""
    both = np.concatenate([made.data.train.images, made.data.validation.images])
    *_, table = _opening.exploration(made.data)
    for place, row in enumerate(table.rows):
        pixels = both[..., place].astype(np.float64)
        assert row[3:] == (f"{pixels.mean():.2f}", f"{pixels.std():.2f}")


def test_a_network_that_resizes_nothing_is_said_to(made):
    """One from scratch takes images as they are."""
    assert "takes 16 x 16 pixels" in str(_network.architecture(made.result))
    pretrained = {**made.result.provenance, "head": "classifier()", "size": 96}
    other = replace(made.result, provenance=pretrained)
    assert "sees 96 x 96 pixels; resizing" in str(_network.architecture(other))


def test_a_report_looks_as_its_evaluation_did(made, tmp_path, monkeypatch):
    """At mirror images too, if that did."""
    seen = []

    def noting(model, images, *, tta=False):
        seen.append(tta)
        return evaluation.probabilities(model, images, tta=tta)

    monkeypatch.setattr("cifarkit.report._write.probabilities", noting)
    found = evaluate(made.result.model, made.data.test, tta=True)
    report.write(tmp_path / "report", made.result, found, made.data)
    assert seen == [True]
