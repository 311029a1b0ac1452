"""The recipes: every stated setting of the published projects, and that each runs."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from cifarkit import augment, datasets, heads, models, recipes
from cifarkit._errors import InvalidArgument, UnknownName
from cifarkit.recipes import Images, _images

PUBLISHED = (
    *("s0-cnn", "s0-mobilenetv2-frozen", "s0-mobilenetv2-finetuned"),
    *("s1-resnet50-frozen", "s1-resnet50-finetuned"),
    *("s2-m1", "s2-m2", "s2-m4", "s2-m5", "s2-m6", "s2-m7"),
    *("s3-baseline", "s3-augmented", "s3-mobilenetv2"),
    *("s4-cnn", "s4-resnet50-head", "s4-resnet50-finetuned"),
)
FLAWED = (
    *("s0-mobilenetv2-frozen", "s0-mobilenetv2-finetuned"),
    *("s1-resnet50-frozen", "s1-resnet50-finetuned"),
    *("s2-m5", "s2-m7", "s4-resnet50-finetuned"),
)
CLAIMS = {
    "s0-cnn": (0.75, None, None),
    "s0-mobilenetv2-frozen": (0.85, None, None),
    "s0-mobilenetv2-finetuned": (0.9024, 0.33, None),
    "s1-resnet50-frozen": (None, None, None),
    "s1-resnet50-finetuned": (0.402, None, 0.19),
    "s2-m1": (0.55, None, None),
    "s2-m2": (0.58, None, None),
    "s2-m4": (0.78, None, None),
    "s2-m5": (0.67, None, None),
    "s2-m6": (0.825, None, None),
    "s2-m7": (0.886, None, None),
    "s3-baseline": (0.7866, 0.657, 0.0445),
    "s3-augmented": (0.8057, 0.577, 0.0055),
    "s3-mobilenetv2": (0.8742, 0.369, 0.0089),
    "s4-cnn": (0.756, 0.8345, None),
    "s4-resnet50-head": (0.8614, 3.0072, None),
    "s4-resnet50-finetuned": (0.8681, 2.8772, None),
}
CIFAR10 = {
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
}
F1 = {
    "s1-resnet50-finetuned": (
        "ship 0.51, automobile 0.45, frog 0.44, dog 0.34, bird 0.3, cat 0.3"
    ),
    "s3-mobilenetv2": "frog 0.93, ship 0.92, automobile 0.92, dog 0.82, cat 0.79",
}
STATED = {  # of phase 1: optimizer, rate, epochs, batch; None where nothing is stated
    "s0-mobilenetv2-frozen": ("adam", 1e-3, None, 32),
    "s0-mobilenetv2-finetuned": ("adam", 1e-3, None, 32),
    "s1-resnet50-frozen": (None, None, 10, None),
    "s1-resnet50-finetuned": (None, None, 10, None),
    "s2-m1": ("sgd", None, 50, 512),
    "s2-m2": ("sgd", None, 50, 512),
    "s2-m4": ("adam", 1e-3, 50, 512),
    "s2-m5": (None, 1e-3, 20, 64),
    "s2-m6": ("adam", None, 25, 512),
    "s2-m7": ("adam", 1e-4, None, None),
    "s4-resnet50-head": ("adam", 1e-4, 10, None),
    "s4-resnet50-finetuned": ("adam", 1e-4, 10, None),
}
LOSSES = {  # that are stated; all others are assumed
    "s0-mobilenetv2-frozen": "auto",
    "s0-mobilenetv2-finetuned": "auto",
    "s4-resnet50-head": "sparse_categorical_crossentropy",
    "s4-resnet50-finetuned": "sparse_categorical_crossentropy",
}
TAILS = {  # phase 2: what learns, rate, epochs
    "s0-mobilenetv2-finetuned": (50, 1e-5, 10),
    "s1-resnet50-finetuned": ("all", 1e-5, 10),
    "s2-m7": (50, 1e-5, None),
    "s4-resnet50-finetuned": ("conv2d", 1e-5, 3),
}
HEADS = {
    "s0-mobilenetv2-frozen": heads.classifier(hidden=(128,), dropout=0.3),
    "s1-resnet50-frozen": heads.classifier(hidden=(128, 64), dropout=0.0),
    "s2-m7": heads.classifier(hidden=(256,), dropout=0.4, input_dropout=0.4),
    "s3-mobilenetv2": heads.classifier(hidden=(128,), dropout=0.3, input_dropout=0.5),
}
SIZES = {  # of what is not shown at 32 pixels
    **{"s0-m": 160, "s2-m5": 64, "s2-m7": 96, "s3-m": 96},
    **{"s4-c": 64, "s4-r": 224},
}
SPLITS = {"s0": (45_000, 5_000), "s2": (45_000, 5_000)}
SPLITS |= {"s1": (10_000, 2_000), "s3": (40_000, 10_000), "s4": (8_000, 2_000)}


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store that each test begins with empty."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def data():
    """A few made-up images of ten classes."""
    return datasets.synthetic(n=100, size=32)


def published(name):
    """Return a recipe as it was published."""
    return recipes.get(name, "as_published")


def every():
    """Return all recipes in all variants."""
    return [recipes.get(n, v) for n in recipes.names() for v in recipes.variants(n)]


def test_all_models_of_the_five_projects_are_there():
    """Seventeen, by their fixed names, in their order; then our own."""
    assert recipes.names()[:17] == PUBLISHED
    assert all(name.startswith("ours-") for name in recipes.names()[17:])


def test_variants_are_those_that_mean_something():
    """As published and best for each; fixed where the protocol has a flaw."""
    for name in PUBLISHED:
        fixed = ("fixed",) if name in FLAWED else ()
        assert recipes.variants(name) == ("as_published", *fixed, "best")
    assert recipes.variants("ours-scratch") == ("best",)


def test_claims_are_those_that_were_published():
    """Accuracy, loss and gap, with None where a project says nothing."""
    found = {name: published(name).claimed for name in PUBLISHED}
    assert {
        name: (claim.accuracy, claim.loss, claim.gap) for name, claim in found.items()
    } == CLAIMS


def test_claims_of_single_classes_are_those_that_were_published():
    """F1 of S1 and of S3, of classes that CIFAR-10 has; no other project states any."""
    stated = {name: published(name).claimed.f1 for name in PUBLISHED}
    assert {
        name: ", ".join(f"{each} {f1:g}" for each, f1 in scores.items())
        for name, scores in stated.items()
        if scores
    } == F1
    for scores in stated.values():
        assert set(scores) <= CIFAR10


@pytest.mark.parametrize("name", STATED)
def test_the_first_phase_is_as_stated(name):
    """Optimizer, rate, epochs and batch of phase 1."""
    phase = published(name).phase_1
    found = (phase.optimizer, phase.learning_rate, phase.epochs, phase.batch_size)
    for stated, ours in zip(STATED[name], found, strict=True):
        assert stated in (None, ours)
    assert phase.unfreeze is None


@pytest.mark.parametrize("name", PUBLISHED)
def test_losses_are_as_stated_or_assumed(name):
    """Of both phases; `"auto"` is categorical cross-entropy."""
    recipe = published(name)
    words = "; ".join(recipe.assumed)
    sparse = "sparse" in words
    assumed = "sparse_categorical_crossentropy" if sparse else "auto"
    for phase in recipe.phases:
        assert phase.loss == LOSSES.get(name, assumed)
        assert not phase.label_smoothing
    assert ("cross-entropy" in words) == (name not in LOSSES)


@pytest.mark.parametrize("name", TAILS)
def test_the_second_phase_is_as_stated(name):
    """What learns, at which rate, for how long; exactly so many layers."""
    phase = published(name).phase_2
    layers, rate, epochs = TAILS[name]
    assert (phase.unfreeze, phase.learning_rate) == (layers, rate)
    assert phase.optimizer == "adam"  # assumed
    assert epochs in (None, phase.epochs)
    assert not (isinstance(layers, int) and phase.snap)


def test_no_other_project_has_a_second_phase():
    """The other models were trained in one phase."""
    alone = [name for name in PUBLISHED if published(name).phase_2 is None]
    assert set(PUBLISHED) - set(alone) == set(TAILS)


@pytest.mark.parametrize("name", HEADS)
def test_heads_are_as_stated(name):
    """Hidden layers and dropouts."""
    assert published(name).head == HEADS[name]


def test_s4_penalises_all_dense_layers():
    """Dense 256, 128, 64, batch norm after each, dropout 0.6, L2; sparse labels."""
    recipe = published("s4-resnet50-head")
    head = recipe.head
    assert (head.hidden, head.batch_norm, head.dropout) == ((256, 128, 64), True, 0.6)
    assert head.l2 > 0
    assert recipe.images.enlarged == 64


def test_vgg16_learns_by_momentum():
    """M5: SGD with momentum 0.9, Nesterov."""
    optimizer = published("s2-m5").phase_1.optimizer
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)


def test_callbacks_are_as_stated():
    """S0 stops early; S2's M7 stops early and lowers its rate."""
    assert published("s0-mobilenetv2-frozen").phase_1.patience
    for phase in published("s2-m7").phases:
        assert phase.patience
        assert phase.schedule == "plateau"


def test_images_are_as_stated():
    """Sizes; S3's 40,000 + 10,000; the 10,000 of S1 and S4; all test images."""
    for name in PUBLISHED:
        images = published(name).images
        sizes = [size for start, size in SIZES.items() if name.startswith(start)]
        assert images.size == (sizes or [32])[0]
        assert (images.train, images.validation) == SPLITS[name[:2]]
        assert images.test == 10_000


def test_a_flaw_is_kept_and_removed_and_nothing_else():
    """The fixed variant differs in the flaw alone."""
    changed = {
        **{name: {"preprocess"} for name in FLAWED},
        "s1-resnet50-frozen": {"preprocess", "images"},
        "s1-resnet50-finetuned": {"preprocess", "images"},
        "s4-resnet50-finetuned": {"phase_2"},
    }
    for name, fields in changed.items():
        kept, fixed = published(name), recipes.get(name, "fixed")
        differing = {
            field
            for field in vars(kept)
            if getattr(kept, field) != getattr(fixed, field)
        }
        assert differing == {"variant", "notes", *fields}
        assert kept.notes
    assert not published("s4-resnet50-finetuned").phase_2.train_head


def test_augmentations_are_as_stated():
    """S3's five at a tenth; S4's flip, rotation and zoom; S2's of M6 and M7."""
    stated = {
        "s3-augmented": "flip, rotation 0.1, zoom 0.1, shift 0.1, contrast 0.1",
        "s4-cnn": "flip, rotation 0.1, zoom 0.1",
        "s2-m6": "contrast 0.1, flip, rotation 0.1",
        "s2-m7": "rotation 0.04, shift 0.1, flip",
    }
    for name, augmentation in stated.items():
        assert f"augmentation: {augmentation}\n" in str(published(name))
    assert published("s0-mobilenetv2-frozen").augment == ()


def test_what_is_chosen_here_is_said():
    """Every published recipe names what it assumes; ours assumes less, never more.

    What stays is what makes the network and the images; a network whose layers were
    chosen here says so in every variant.
    """
    for recipe in every():
        if recipe.variant == "as_published":
            assert recipe.assumed
        elif recipe.system != "ours":
            known = set(published(recipe.name).assumed)
            assert set(recipe.assumed) <= known
    for name in ("s0-cnn", "s2-m1", "s2-m6", "s3-augmented", "s4-cnn"):
        assert recipes.get(name).assumed
    assert "32 x 32" in str(published("s0-cnn").notes)  # against what is stated


def test_batch_norm_is_as_slow_as_in_the_projects_network():
    """Keras' MobileNetV2 keeps 0.999 of its statistics; the graph of ours has 0.99."""
    norms = [
        layer
        for layer in keras.applications.MobileNetV2(weights=None).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for name in ("s0-mobilenetv2-finetuned", "s2-m7"):
        for variant in ("as_published", "fixed"):
            momentum = recipes.get(name, variant).phase_2.bn_momentum
            assert {norm.momentum for norm in norms} == {momentum}


def test_settings_of_a_backbone_are_refused_without_one():
    """Weights that would be ignored are not noted as if they had been used."""
    for change in ({"weights": "/no/such.h5"}, {"preprocess": "unit"}):
        with pytest.raises(InvalidArgument, match="trained from scratch"):
            replace(recipes.get("s2-m1"), **change)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("s0-cnn", "padding"),
        ("s0-mobilenetv2-frozen", "bilinear"),
        ("s2-m1", "ReLU"),
        ("s2-m6", "batch norm"),
        ("s2-m7", "bilinear"),
        ("s3-augmented", "batch norm"),
        ("s3-mobilenetv2", "epochs"),
        ("s3-mobilenetv2", "ReLU"),
        ("s3-baseline", "best epoch's weights"),
        ("s2-m5", "ReLU"),
        ("s4-resnet50-head", "ReLU"),
        ("s1-resnet50-finetuned", "better one is kept"),
        ("s4-cnn", "64 x 64"),
        ("s4-resnet50-head", "L2"),
    ],
)
def test_assumptions_are_named(name, words):
    """What the projects do not state, and what the networks' builder chose."""
    assert words in "; ".join(published(name).assumed)


def test_the_best_epoch_is_kept_where_a_recipe_says_so():
    """Without patience the last epoch counts, and no recipe claims another."""
    for recipe in every():
        patient = all(phase.patience for phase in recipe.phases)
        assert patient or "best epoch" not in "; ".join(recipe.assumed)


def test_a_phase_without_steps_shows_none():
    """A head at its optimum has neither epochs nor a rate."""
    text = str(recipes.get("s0-mobilenetv2-frozen"))
    assert "phase 1: optimizer lbfgs\n" in text


def test_a_best_at_another_size_says_so():
    """S1's 32 pixels are no use to ResNet50; S4's step by way of 64 is left out."""
    for name in ("s1-resnet50-frozen", "s4-resnet50-finetuned"):
        best = recipes.get(name)
        assert best.images != published(name).images
        assert "pixels" in best.notes[0]


def test_the_sizes_of_the_networks_are_those_published(data):
    """S3: 2,168,362 parameters; 165,258 of 2,423,242 learn. S0: 154 layers."""
    baseline = published("s3-baseline")
    assert models.cnn(baseline.network).count_params() == 2_168_362
    frozen = replace(published("s3-mobilenetv2"), weights=None)
    plan = str(frozen.trainer(data).plan(data))
    assert "parameters: 165,258 of 2,423,242 learn" in plan
    tail = replace(published("s0-mobilenetv2-finetuned"), weights=None)
    plan = str(tail.trainer(data).plan(data))
    assert "backbone: all 154 layers frozen" in plan
    assert "backbone: 50 of 154 layers learn" in plan


def test_a_recipe_uses_its_size_and_its_input(data):
    """The published size and scaling reach the network, whatever the data say."""
    recipe = replace(published("s2-m7"), weights=None)
    plan = recipe.trainer(data).plan(data)
    assert plan.title == "mobilenetv2 at 96 x 96 pixels"
    backbone = recipe.trainer(data).course.backbone
    assert (backbone.preprocess, backbone.interpolation) == ("unit", "bilinear")


TRAINED = [
    *((name, "as_published") for name in PUBLISHED),
    *((name, "best") for name in ("s0-mobilenetv2-frozen", "s3-mobilenetv2")),
    ("s3-augmented", "best"),
    *((f"ours-{name}", "best") for name in ("scratch", "mixup", "cutmix", "colour")),
    *((f"ours-{name}", "best") for name in ("plateau", "onecycle")),
]
"""Each model, and each kind of change to it."""


@pytest.mark.filterwarnings("ignore:.* shrinks 32 x 32 pixels:UserWarning")
@pytest.mark.filterwarnings("ignore:Even though:UserWarning")  # of tf.data
@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(("name", "variant"), TRAINED)
def test_each_takes_some_steps(data, name, variant):
    """In its phases, small; a backbone with random weights."""
    recipe = recipes.get(name, variant)
    images = replace(recipe.images, size=32)
    recipe = replace(recipe, images=images, weights=None).limited(epochs=1)
    result, evaluation = recipe.run(data, verbose=0)
    assert len(result.phases) == len(recipe.phases)
    assert recipe.head is not None or result.model.name == recipe.network
    assert evaluation.n == 20
    assert np.isfinite(result.history["loss"]).all()


def test_a_seed_draws_the_first_weights(data):
    """One seed gives one network, another gives another."""
    recipe = recipes.get("s2-m4")
    one, same, other = (
        recipe.trainer(data, seed=seed).course.backbone.get_weights()[0]
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_recipe_fits_other_classes():
    """Images of one's own bring their classes and their size."""
    data = datasets.synthetic(n=60, size=16, classes=4)
    result, evaluation = recipes.get("s2-m1").limited(epochs=1).run(data, verbose=0)
    assert result.model.output_shape == (None, 4)
    assert evaluation.n == 12


def test_every_setting_of_every_recipe_is_held_fast():
    """Those that no other test names, too; scripts/golden_recipes.py writes them."""
    script = Path(__file__).parent.parent / "scripts" / "golden_recipes.py"
    golden = runpy.run_path(str(script))
    held = json.loads(golden["GOLDEN"].read_text(encoding="utf-8"))
    assert golden["every"]() == held


def test_what_is_assumed_is_marked_so_among_the_remarks():
    """A report shows them beside what is a fact of the project."""
    recipe = published("s2-m1")
    marked = [each for each in recipe.remarks if each.startswith("Assumed: ")]
    assert len(marked) == len(recipe.assumed) > 0
    assert recipe.remarks == (*marked, *recipe.notes)


def test_a_batch_is_told_though_it_is_the_default():
    """Stated settings are printed, whatever a phase has by itself."""
    assert "batch_size 64" in str(published("s2-m5"))


def test_a_limit_holds_in_all_splits_and_phases():
    """Fewer images in each split, fewer epochs in each phase, nothing else."""
    recipe = published("s0-mobilenetv2-finetuned")
    short = recipe.limited(epochs=2, images=2_000)
    counts = (short.images.train, short.images.validation, short.images.test)
    assert counts == (2_000, 2_000, 2_000)
    assert [phase.epochs for phase in short.phases] == [2, 2]
    assert short.notes == (*recipe.notes, short.notes[-1])
    assert short.notes[-1].startswith("shortened")
    assert recipe.limited(epochs=99, images=99_999) == recipe
    assert recipe.limited() == recipe
    for wrong in ("3", 0, 1.5):
        with pytest.raises(InvalidArgument, match="epochs"):
            recipe.limited(epochs=wrong)
        with pytest.raises(InvalidArgument, match="limit"):
            recipe.limited(images=wrong)


@pytest.mark.real
def test_images_are_those_of_cifar10():
    """Counts, one draw, and S4's step by way of 64 pixels, against TensorFlow."""
    images = Images(size=224, train=300, validation=200, test=100, enlarged=64)
    data = images.load(seed=1)
    assert [len(each) for each in (data.train, data.validation, data.test)] == [
        *(300, 200, 100)
    ]
    assert data.train.images.shape == (300, 64, 64, 3)
    small = replace(images, enlarged=None).load(seed=1)
    import tensorflow as tf

    wanted = tf.image.resize(small.train.images, (64, 64), method="bilinear")
    difference = data.train.images - np.asarray(wanted)
    assert np.abs(difference).max() <= 0.501
    np.testing.assert_array_equal(data.train.labels, small.train.labels)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"train": 50_000}, "together"),
        ({"validation": 0}, "at least one"),
        ({"test": 10_001}, "test images"),
        ({"size": 0}, "sizes"),
        ({"size": 96.5}, "whole numbers"),
        ({"size": "96"}, "whole numbers"),
        ({"train": float("nan")}, "whole numbers"),
        ({"train": "45000"}, "whole numbers"),
        ({"validation": None}, "whole numbers"),
    ],
)
def test_images_that_there_are_not_are_refused(change, text):
    """More images than CIFAR-10 has, or none."""
    with pytest.raises(InvalidArgument, match=text):
        Images(**{"size": 96} | change)


def test_a_side_of_nothing_is_refused():
    """Zero is not the same as None."""
    with pytest.raises(InvalidArgument, match="sizes"):
        Images(size=96, enlarged=0)


def test_wrong_names_are_refused():
    """With the nearest name, and the call that lists them."""
    with pytest.raises(UnknownName, match=r"Did you mean 's3-baseline'.*names\(\)"):
        recipes.get("s3-basline")
    with pytest.raises(UnknownName, match=r"variants\('s3-baseline'\)"):
        recipes.get("s3-baseline", "fixed")
    with pytest.raises(UnknownName, match="recipe"):
        recipes.variants("s9")


def test_parts_that_do_not_fit_are_refused():
    """A head beside a network from scratch; a variant that there is not."""
    recipe = recipes.get("s3-baseline")
    with pytest.raises(InvalidArgument, match="network"):
        replace(recipe, head=heads.linear())
    with pytest.raises(InvalidArgument, match="variant"):
        replace(recipe, variant="better")


def test_a_recipe_prints_what_it_is():
    """Claim, images, network, phases, and what was assumed."""
    text = str(published("s0-mobilenetv2-finetuned"))
    assert text.startswith("s0-mobilenetv2-finetuned, as_published (S0)\n")
    for part in (
        "claimed: 90.24% on its test images, loss 0.33",
        "images: 45,000 + 5,000 at 160 x 160 pixels",
        "phase 2: epochs 10, learning_rate 1e-05, optimizer adam",
        "assumed: 45,000 training",
        "notes: inputs scaled to [0, 1]",
    ):
        assert part in text


def shrunk(split):
    """Return a split whose images have half the side."""
    return replace(split, images=split.images[:, ::2, ::2])


def test_a_recipe_refuses_at_once_what_it_could_not_judge(data):
    """No test images, no splits, images that are not square."""
    recipe = recipes.get("s2-m1")
    empty = datasets.Splits(data.train, data.validation, data.test.take(0))
    wide = datasets.from_arrays(data.train.images[:, :16], data.train.labels)
    small = datasets.Splits(data.train, data.validation, shrunk(data.test))
    for given, text in (
        (empty, "Splits with test images"),
        ((data.train.images, data.train.labels), "Splits with test images"),
        (wide, "square images"),
        (small, "test images of 32 x 32"),
    ):
        with pytest.raises(InvalidArgument, match=text):
            recipe.run(given, verbose=0)


def test_the_ledger_has_the_claim_beside_the_figure(data):
    """Keys, the gap, the losses with and without penalties, what was assumed."""
    recipe = recipes.get("s3-baseline", "as_published").limited(epochs=1)
    result, evaluation = recipe.run(data, verbose=0)
    row = json.loads(
        json.dumps(
            recipes.ledger_row(
                recipe, result, evaluation, command="python x", seconds=3.0
            ),
            allow_nan=False,
        )
    )
    assert row["claimed"]["accuracy"] == 0.7866
    assert row["measured"] == {
        "accuracy": evaluation.accuracy,
        "loss": evaluation.loss,
        "gap": pytest.approx(result.gap),
        "objective": evaluation.objective,
    }
    assert row["interval"] == list(evaluation.interval)
    assert row["assumed"] == list(recipe.assumed)
    assert {"seed", "machine", "device", "versions", "when"} <= set(row)
    told = {key: row[key] for key in ("command", "recipe", "system", "variant")}
    assert told == {
        "command": "python x",
        "recipe": "s3-baseline",
        "system": recipe.system,
        "variant": "as_published",
    }
    assert (row["seconds"], row["notes"]) == (3.0, list(recipe.notes))


def test_a_gap_that_is_not_known_is_null(data):
    """Without validation images there is none; JSON has no word for no number."""
    recipe = recipes.get("s2-m1").limited(epochs=1)
    blind = datasets.Splits(data.train, data.validation.take(0), data.test)
    result, evaluation = recipe.run(blind, verbose=0)
    row = recipes.ledger_row(recipe, result, evaluation, command="x", seconds=1.0)
    assert row["measured"]["gap"] is None


def test_a_recipe_trains_as_it_says(data):
    """With its phases and its augmentation, in every variant."""
    for recipe in every():
        course = replace(recipe, weights=None).trainer(data).course
        assert course.phases == recipe.phases
        assert course.policy == augment.compose(recipe.augment)


def test_seed_and_folder_reach_the_training(data, tmp_path):
    """What the caller says of a run is what is done."""
    short = recipes.get("s2-m1").limited(epochs=1)
    result, _ = short.run(data, seed=5, run_dir=tmp_path / "run", verbose=0)
    assert result.provenance["seed"] == 5
    assert (tmp_path / "run" / "phase_1").is_dir()


def test_enlarging_goes_on_behind_the_first_ones(monkeypatch):
    """Thousands are enlarged a part at a time."""
    monkeypatch.setattr(_images, "_AT_ONCE", 3)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3), np.uint8)
    resize = keras.layers.Resizing(8, 8, interpolation="bilinear")
    wanted = np.rint(keras.ops.convert_to_numpy(resize(pixels.astype("float32"))))
    split = datasets.Split(pixels, np.zeros(8, np.int64), ("a",), 4)
    np.testing.assert_array_equal(_images._enlarged(split, 8).images, wanted)


def test_all_parts_are_enlarged(data, monkeypatch):
    """And drawn by the seed."""
    seeds = []

    def cifar10(size, *, validation, seed):
        seeds.append(seed)
        return data

    monkeypatch.setattr(datasets, "cifar10", cifar10)
    images = Images(size=224, train=40, validation=20, test=10, enlarged=64)
    parts = images.load(seed=3)
    shapes = {
        each.images.shape[1:3] for each in (parts.train, parts.validation, parts.test)
    }
    assert shapes == {(64, 64)}
    assert (len(parts.train), len(parts.test), seeds) == (40, 10, [3])


GAP = "40.20% on its test images, gap 19.00 points"
PENALISED = "86.14% on its test images, loss with penalties 3.0072"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "s4-resnet50-head",
            f"{PENALISED} (from 71.5% to 87.9% on validation)",
        ),
        (
            "s1-resnet50-finetuned",
            GAP + " (61% training, 41% validation)",
        ),
        (
            "s1-resnet50-frozen",
            "no test figure; about 30% on the training images",
        ),
    ],
)
def test_a_claim_prints_its_figures(name, words):
    """Accuracy, loss, gap, and what must be known."""
    assert str(published(name).claimed) == words


def test_callbacks_reach_the_training(data):
    """MLflow's or anyone's: Keras callbacks see every epoch."""
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(e))
    recipes.get("s2-m1").limited(epochs=2).run(data, callbacks=(watch,), verbose=0)
    assert seen == [0, 1]
