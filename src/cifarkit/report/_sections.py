"""The sections of a report, as blocks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_number
from cifarkit.datasets import Splits, channels
from cifarkit.evaluation import Evaluation
from cifarkit.report._blocks import Block, Code, Heading, Points, Table, Text
from cifarkit.training import PhaseResult, TrainResult

_CLAIMED = {"accuracy": (0.0, 1.0), "loss": (-math.inf, math.inf), "gap": (-1.0, 1.0)}
_BESIDE = ("penalised", "note")  # what a claim has beside figures
_PENALISED = "with penalties on weights"
_USE = """
import keras

model = keras.models.load_model("model.keras")
probabilities = model.predict(images)  # RGB, (N, {height}, {width}, 3), in [0, 255]
"""


def objective(result: TrainResult, data: Splits, evaluation: Evaluation) -> list[Block]:
    """Say what was to be done, and how it ended."""
    low, high = evaluation.interval
    made = result.provenance
    return [
        Heading(f"{made['network']} on {len(data.train.class_names)} classes", 1),
        Heading("Objective"),
        Text(
            f"Classify images into {', '.join(data.train.class_names)}. Of "
            f"{evaluation.n:,} test images {evaluation.accuracy:.2%} are classified "
            f"rightly (95 % interval {low:.2%} to {high:.2%})."
        ),
    ]


def exploration(data: Splits) -> list[Block]:
    """Say what the images are like."""
    height, width = data.train.images.shape[1:3]
    chosen = "choices are made on the validation images, "
    parts = {
        "training": data.train,
        "validation": data.validation,
        "test": data.test,
    }
    return [
        Heading("Data"),
        Text(
            f"Images of {width} x {height} pixels from {data.source}, as RGB from 0 to "
            "255. Weights are fitted to the training images, "
            f"{chosen if len(data.validation) else ''}and the test images were looked "
            "at once."
        ),
        Table(
            ("part", "images"),
            tuple((name, f"{len(split):,}") for name, split in parts.items()),
        ),
        Table(
            ("channel of the training images", "mean", "standard deviation"),
            tuple(
                (each.name, f"{each.mean:.2f}", f"{each.deviation:.2f}")
                for each in channels(data.train)
            ),
        ),
    ]


def architecture(result: TrainResult) -> list[Block]:
    """Say which network it is, and what happens to an image before it."""
    made = result.provenance
    model, backbone = result.model, made["backbone"]
    layers = [
        (layer.name, type(layer).__name__, f"{layer.count_params():,}")
        for layer in model.layers
    ]
    blocks: list[Block] = [
        Heading("Architecture"),
        Text(f"{model.count_params():,} parameters, of which:"),
        Table(("layer", "kind", "parameters"), tuple(layers)),
        Heading("Preprocessing"),
        Text(
            f"The network sees {_seen(result)} pixels; resizing and "
            "scaling are its first layers, so that raw images go in wherever it runs. "
            f"Augmentation in training: {made['augmentation']}."
        ),
    ]
    if backbone:
        words = [f"{key}: {value}" for key, value in backbone.items() if value]
        blocks.append(Points(tuple(words)))
    return blocks


def _seen(result: TrainResult) -> str:
    """Return width and height at which a network works, in words."""
    size = result.provenance["size"]
    _, height, width, _ = result.model.input_shape
    scratch = result.provenance["head"] is None
    return f"{width} x {height}" if scratch and height else f"{size} x {size}"


def training(result: TrainResult) -> Iterator[Block]:
    """Say what each phase did."""
    made = result.provenance
    yield Heading("Training")
    for number, (phase, settings) in enumerate(
        zip(result.phases, made["phases"], strict=True), start=1
    ):
        yield Heading(f"Phase {number}", 3)
        kept = ", kept" if number == result.kept else ""
        yield Text(f"{_course(phase)}{kept}. Settings: {_words(settings)}.")
    yield Text(
        f"Seed {made['seed']}, on {made['machine']}, {made['when']}. "
        f"{', '.join(f'{name} {value}' for name, value in made['versions'].items())}."
    )


def quality(evaluation: Evaluation, result: TrainResult) -> list[Block]:
    """Say how good the classifier is."""
    rows = [
        ("accuracy", f"{evaluation.accuracy:.2%}"),
        ("cross-entropy", f"{evaluation.loss:.4f}"),
        (_PENALISED, f"{evaluation.objective:.4f}"),
        ("expected calibration error", f"{evaluation.ece:.4f}"),
        *((f"in the top {k}", f"{share:.2%}") for k, share in evaluation.top_k.items()),
    ]
    if not math.isnan(result.gap):
        points = f"{100 * result.gap:.2f} points"
        rows.append(("training less validation accuracy", points))
    scores = [
        (
            each.name,
            *(f"{value:.3f}" for value in (each.precision, each.recall, each.f1)),
        )
        for each in evaluation.per_class
    ]
    pairs = [
        (f"{each.first} and {each.second}", f"{each.count:,}")
        for each in evaluation.pairs
    ]
    blocks: list[Block] = [
        Heading("Results on the test images"),
        Table(("figure", "value"), tuple(rows)),
        Table(("class", "precision", "recall", "F1"), tuple(scores)),
    ]
    if pairs:
        blocks.append(Table(("confused with each other", "images"), tuple(pairs)))
    return blocks


def check_claims(claimed: Mapping[str, Any] | None) -> None:
    """Refuse claims that nothing here can be compared with.

    Raises:
        InvalidArgument: an unknown figure, or one outside of what it can be.
    """
    for name, value in (claimed or {}).items():
        if name in _BESIDE or (name in _CLAIMED and value is None):
            continue
        low, high = _CLAIMED.get(name, (1.0, 0.0))  # an unknown name fits nothing
        if not is_number(value) or not low <= value <= high:
            raise InvalidArgument(
                "Expected claimed accuracy in [0, 1], loss, or gap in [-1, 1]; "
                f"received {name}={value!r}. Give 90 % as 0.9."
            )


def claims(
    claimed: Mapping[str, Any], evaluation: Evaluation, result: TrainResult
) -> list[Block]:
    """Say what somebody else reported, beside what was measured; nothing of nothing."""
    penalised = bool(claimed.get("penalised"))
    measured = {
        "accuracy": evaluation.accuracy,
        "loss": evaluation.objective if penalised else evaluation.loss,
        "gap": result.gap,
    }
    rows = [
        (
            f"loss {_PENALISED}" if penalised and name == "loss" else name,
            f"{claimed[name]:.4f}",
            "-" if math.isnan(figure) else f"{figure:.4f}",
        )
        for name, figure in measured.items()
        if claimed.get(name) is not None
    ]
    if not rows:
        return []
    if claimed.get("loss") is not None and not penalised:
        rows.append((f"loss {_PENALISED}", "", f"{evaluation.objective:.4f}"))
    low, high = evaluation.interval
    accuracy = claimed.get("accuracy")
    blocks: list[Block] = [Heading("Comparison with the claim")]
    blocks.append(Table(("figure", "claimed", "measured here"), tuple(rows)))
    if accuracy is not None:
        side = "inside" if low <= accuracy <= high else "outside"
        words = (
            f"The claimed accuracy lies {side} the 95 % interval of the measured one."
        )
        blocks.append(Text(words))
    if note := claimed.get("note"):
        rough = f"about {accuracy:.0%}" if accuracy and note == "about" else note
        blocks.append(Text(f"In the words of the claim: {rough}."))
    return blocks


def limits(evaluation: Evaluation, notes: Sequence[str]) -> list[Block]:
    """Say what the figures do not tell."""
    half = 100 * (evaluation.interval[1] - evaluation.interval[0]) / 2
    resolution = (
        f"{evaluation.n:,} test images give the accuracy to about {half:.1f} points. "
        "Two models measured on images of their own have to differ by "
        f"{half * math.sqrt(2):.1f} points; on the same images they can be told apart "
        "finer, by report.compare."
    )
    known = (
        resolution,
        "One seed was trained: another one gives a slightly different network.",
        "Images from elsewhere (another camera, other classes) may be much harder.",
        *notes,
    )
    return [Heading("Limits"), Points(known)]


def deployment(data: Splits) -> list[Block]:
    """Say how the model is used."""
    height, width = data.train.images.shape[1:3]
    return [
        Heading("Deployment"),
        Text(
            "result.save(folder) writes model.keras; Keras alone is needed to use it:"
        ),
        Code(_USE.format(height=height, width=width)),
    ]


def _course(phase: PhaseResult) -> str:
    epochs = len(phase.history["loss"])
    ahead = f", after {phase.features:.0f} s of features" if phase.features else ""
    accuracy = phase.validation_accuracy
    checked = "" if math.isnan(accuracy) else f", validation accuracy {accuracy:.2%}"
    return (
        f"{epochs} epochs in {phase.seconds:.0f} s{ahead} ({phase.engine}); the "
        f"weights are those of epoch {phase.kept_epoch + 1}{checked}"
    )


def _words(settings: Mapping[str, Any]) -> str:
    solved = str(settings["optimizer"]).lower() == "lbfgs"  # all else means nothing
    told = ("optimizer", "class_weight") if solved else settings
    return ", ".join(f"{key} {settings[key]}" for key in told)
