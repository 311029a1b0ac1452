"""CK104 and CK105: labels, loss and output, which must speak of the same thing."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding, Severity
from cifarkit.doctoring._graph import ending
from cifarkit.doctoring._part import Part

Kind = Literal["sparse", "categorical", "binary"]
_COLUMNED = ("one-hot", "several", "soft")

_KINDS: dict[str, Kind] = {
    "sparsecategoricalcrossentropy": "sparse",
    "categoricalcrossentropy": "categorical",
    "categoricalfocalcrossentropy": "categorical",
    "binarycrossentropy": "binary",
    "binaryfocalcrossentropy": "binary",
}


def labels(case: Case) -> Iterator[Finding]:
    """CK104: labels that the loss or the outputs of the network cannot mean."""
    outputs, (end, _) = _outputs(case), ending(case.model)
    if outputs == 1 and end == "softmax":
        yield _mismatch(
            "The network ends in a softmax over one output, which is always 1.",
            "Use Dense(1, activation='sigmoid'), or one output for each class.",
        )
    kinds = [(where, _kind(loss)) for where, loss in _losses(case)]
    for where, kind in kinds:
        yield from _by_end(kind, outputs, end, where)
    for part in case.parts:
        found = [*_of_part(case, part, outputs, [kind for _, kind in kinds])]
        yield from found
        if any(each.severity == "error" for each in found):
            break  # what is wrong with one part is seldom right in the next


def _of_part(
    case: Case, part: Part, outputs: int, kinds: Sequence[Kind | None]
) -> Iterator[Finding]:
    if case.plain is not None:
        yield from _unreadable(part, trained=bool(kinds))
        for kind in kinds:
            yield from _by_form(part, kind)
    whole = case.plain is not None or (case.course and case.course.head is None)
    if whole and not estimates(case):
        yield from _by_count(part, outputs)


def estimates(case: Case) -> bool:
    """Whether a plain network gives one number of any size, and no class."""
    kinds = [_kind(loss) for _, loss in _losses(case)]
    return case.plain is not None and _outputs(case) == 1 and not any(kinds)


def logits(case: Case) -> Iterator[Finding]:
    """CK105: a loss for logits on probabilities, or the other way round."""
    end, direct = ending(case.model)
    for where, loss in _losses(case):
        if not _kind(loss):
            continue
        from_logits = bool(getattr(loss, "from_logits", False))
        if from_logits and end in ("softmax", "sigmoid"):
            # TensorFlow's losses find the logits behind a last activation.
            mended = direct and keras.backend.backend() == "tensorflow"
            yield _twice(str(end), where, mended)
        if not from_logits and end == "linear":
            yield Finding(
                "CK105",
                "error",
                "Logits given to a loss for probabilities",
                f"The network ends without an activation, and {where} has "
                "from_logits=False: it takes any numbers, negative ones too, for "
                "probabilities.",
                "Give the loss from_logits=True, or end the network in a softmax.",
            )


def _twice(end: str, where: str, mended: bool) -> Finding:
    harm = (
        "On TensorFlow Keras finds the logits and warns; on another backend, or with "
        "one more layer at the end, the gradients would be flattened."
        if mended
        else "The loss applies a second one, which flattens its gradients: the network "
        "learns slowly and its loss cannot come near 0."
    )
    return Finding(
        "CK105",
        "warning" if mended else "error",
        f"A {end} together with from_logits=True",
        f"The network ends in a {end}, and {where} has from_logits=True. {harm}",
        f"Leave from_logits out of the loss, or the {end} out of the network.",
    )


def _unreadable(part: Part, *, trained: bool) -> Iterator[Finding]:
    if part.form == "names":
        yield _mismatch(
            f"The {part.name} labels are words, and Keras takes numbers.",
            "Number the classes from 0: np.unique(labels, return_inverse=True).",
        )
    if part.form == "missing" and trained:
        yield _mismatch(
            f"The {part.name} images have no labels, which the loss needs.",
            "Give pairs of images and labels.",
        )


def _by_form(part: Part, kind: Kind | None) -> Iterator[Finding]:
    if part.free:
        return
    if kind == "sparse" and part.form == "soft" and part.columns == 1:
        yield _mismatch(
            f"The {part.name} labels are no whole numbers, and the sparse loss takes "
            "class numbers: it cuts them off.",
            "Number the classes from 0.",
        )
    elif kind == "sparse" and part.form in _COLUMNED:
        yield _mismatch(
            f"The {part.name} labels have {part.columns} columns, and the sparse loss "
            "takes class numbers: fit stops with an error about shapes.",
            "Use categorical_crossentropy, or labels.argmax(axis=1).",
        )
    if kind == "categorical" and part.form == "numbers":
        yield _mismatch(
            f"The {part.name} labels are class numbers, and the loss takes one column "
            "for each class: fit stops with an error about shapes.",
            "Use sparse_categorical_crossentropy, or keras.utils.to_categorical.",
        )


def _by_end(
    kind: Kind | None, outputs: int, end: str | None, where: str
) -> Iterator[Finding]:
    if kind == "binary" and outputs > 1 and end == "softmax":
        yield _mismatch(
            f"{where} is binary, over {outputs} outputs that exclude each other: each "
            "is judged as a question of its own, which weakens the gradients.",
            "Use categorical or sparse categorical cross-entropy.",
            severity="warning",
        )
    if kind in ("sparse", "categorical") and end == "sigmoid":
        yield _mismatch(
            f"{where} is over classes that exclude each other, but the network ends in "
            "a sigmoid, whose outputs do not sum to 1.",
            "End the network in a softmax.",
            severity="warning",
        )


def _by_count(part: Part, outputs: int) -> Iterator[Finding]:
    if outputs and part.form in _COLUMNED and part.columns not in (1, outputs):
        yield _mismatch(
            f"The {part.name} labels have {part.columns} columns, the network "
            f"{outputs} outputs.",
            f"Build the network with {part.columns} outputs.",
        )
    elif outputs and part.numbers is not None and part.form != "names":
        yield from _by_number(part, part.numbers, outputs)


def _by_number(
    part: Part, numbers: NDArray[np.int64], outputs: int
) -> Iterator[Finding]:
    low, high = int(numbers.min()), int(numbers.max())
    classes, seen = 2 if outputs == 1 else outputs, len(set(numbers.tolist()))
    if low < 0 or high >= classes:
        hint = " They seem to be counted from 1." if low == 1 else ""
        yield _mismatch(
            f"The {part.name} labels go from {low} to {high}; {outputs} outputs mean "
            f"the classes 0 to {classes - 1}.{hint}",
            "Number the classes from 0, or give the network one output for each.",
        )
    elif part.name == "training" and part.complete and 1 < outputs > seen:
        yield _mismatch(
            f"The network has {outputs} outputs, and the training images show "
            f"{seen} classes.",
            "Build the network for the classes that there are.",
            severity="note",
        )


def _mismatch(detail: str, advice: str, severity: Severity = "error") -> Finding:
    title = "Labels, loss and outputs do not fit together"
    return Finding("CK104", severity, title, detail, advice)


def _outputs(case: Case) -> int:
    shape: tuple[Any, ...] = case.graph.output_shape if case.graph else ()
    return int(shape[-1] or 0) if len(shape) == 2 else 0


def _losses(case: Case) -> Iterator[tuple[str, Any]]:
    """Yield where a loss is used, and the loss."""
    for number, phase in enumerate(case.course.phases if case.course else (), 1):
        if phase.loss != "auto":
            yield f"the loss of phase {number}", phase.loss
    loss = getattr(case.plain, "loss", None)
    loss = list(loss.values()) if isinstance(loss, dict) else loss
    several = loss if isinstance(loss, list | tuple) else [loss]
    if len(several) == 1 and several[0] is not None:
        yield "the loss", several[0]


def _kind(loss: Any) -> Kind | None:
    """Return the kind of a loss given by name, as a function or as an object."""
    if isinstance(loss, str):  # it may be a short name, such as "bce"
        with contextlib.suppress(ValueError):
            loss = keras.losses.get(loss)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None)
    return _KINDS.get((name or type(loss).__name__).replace("_", "").lower())
