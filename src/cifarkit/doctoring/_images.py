"""CK107, CK111 and CK112: what the images themselves allow."""

from collections.abc import Iterator

import numpy as np

from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._part import Part
from cifarkit.doctoring._targets import estimates

_SHOWN = 3
_MANY = 0.01
_RATIO = 10
_LARGEST = 1_000_000  # what is above is no class number, of which CK104 speaks


def duplicates(case: Case) -> Iterator[Finding]:
    """CK107: images of equal pixels in two parts of the data."""
    parts = case.parts
    for place, later in enumerate(parts):
        for earlier in parts[:place]:
            yield from _shared(earlier, later)


def _shared(earlier: Part, later: Part) -> Iterator[Finding]:
    first = {digest: place for place, digest in reversed([*enumerate(earlier.digests)])}
    pairs = [
        (first[digest], place)
        for place, digest in enumerate(later.digests)
        if digest in first
    ]
    if not pairs:
        return
    shown = ", ".join(f"{ours} = {theirs}" for ours, theirs in pairs[:_SHOWN])
    more = ", ..." if len(pairs) > _SHOWN else ""
    yield Finding(
        "CK107",
        "error" if len(pairs) > _MANY * len(later) else "warning",
        "The same images in two parts of the data",
        f"{len(pairs)} of {len(later)} {later.name} images are {earlier.name} images "
        f"too, pixel by pixel: {shown}{more} ({earlier.name} = {later.name}). Figures "
        f"on the {later.name} images are too good.",
        f"Remove them from the {earlier.name} images, and split before any copying.",
    )


def no_validation(case: Case) -> Iterator[Finding]:
    """CK111: no images to choose by, though something is to be chosen."""
    if case.validation is not None:
        return
    phases = case.course.phases if case.course else ()
    advice = "Keep a tenth of the training images: datasets.from_arrays does so."
    title = "No validation images"
    if any(phase.patience or phase.schedule == "plateau" for phase in phases):
        detail = "patience= and schedule='plateau' watch the validation loss."
        yield Finding("CK111", "error", title, f"{detail} fit would refuse.", advice)
    elif len(phases) > 1:
        detail = "Whether phase 2 made the network worse cannot be seen: it is kept."
        yield Finding("CK111", "warning", title, detail, advice)
    elif case.plain is not None:
        detail = "Early stopping and the choice of an epoch would need some."
        yield Finding("CK111", "note", title, detail, "Give them as validation=.")


def unbalanced(case: Case) -> Iterator[Finding]:
    """CK112: a class with ten times the images of another."""
    part, course = case.train, case.course
    weighed = course and all(phase.class_weight for phase in course.phases)
    if (
        part.numbers is None
        or not part.complete  # the first of them may be of few classes
        or not len(part.numbers)
        or part.numbers.min() < 0
        or weighed
        or estimates(case)
    ):
        return
    if part.numbers.max() > _LARGEST:
        return
    counts = np.bincount(part.numbers, minlength=part.columns)
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] >= _RATIO * max(1, counts[least]) or not counts[least]:
        advice = "class_weight='balanced' in each Phase weighs them alike"
        if course is None:
            advice = "class_weight= of fit weighs them alike"
        yield Finding(
            "CK112",
            "warning",
            "Classes badly unbalanced",
            f"Class {most} has {counts[most]:,} training images, class {least} has "
            f"{counts[least]:,}. The rare class adds little to the loss and to the "
            "accuracy, so that it may never be predicted.",
            f"{advice}; look at per-class recall, or collect more images.",
        )
