"""CK106: randomness that is kept, or that hinders keeping."""

from collections.abc import Iterator
from typing import Any

from cifarkit.activations import views_of
from cifarkit.doctoring._case import Case
from cifarkit.doctoring._finding import Finding
from cifarkit.doctoring._graph import places
from cifarkit.training._freezing import augments
from cifarkit.training._streams import is_stream

_TITLE = "Random augmentation before a cache"
_PYTHON = "PyFunc", "PyFuncStateless", "EagerPyFunc"


def before_cache(case: Case) -> Iterator[Finding]:
    """CK106: augmentation that is drawn once, or that nothing can be kept under."""
    if is_stream(case.data):
        yield from _cached_by_tensorflow(case.data)
    if case.plan and case.course:
        yield from _augmenting(case)
        yield from _live(case)


def _cached_by_tensorflow(dataset: Any) -> Iterator[Finding]:
    before = _before_caches(dataset)
    kinds = {name for each in before for name in _operations(each)}
    names = sorted(name for name in kinds if "Random" in name)
    if names:
        yield Finding(
            "CK106",
            "warning",
            _TITLE,
            f"The data set draws random numbers ({', '.join(names[:3])}) before "
            ".cache(): each image is changed once, and is the same in every epoch.",
            "Move .cache() before the random .map(), right after decoding.",
        )
    elif any("Shuffle" in type(each).__name__ for each in before):
        yield Finding(
            "CK106",
            "note",
            "Shuffled before a cache",
            "The data set is shuffled before .cache(): its order is the same in every "
            "epoch.",
            "Move .shuffle() behind .cache().",
        )


def calls_python(case: Case) -> bool:
    """Whether what a data set keeps comes from Python code, which may draw anything."""
    if not is_stream(case.data):
        return False
    kept = _before_caches(case.data)
    return any(name in _PYTHON for each in kept for name in _operations(each))


def _before_caches(dataset: Any) -> list[Any]:
    """Return the data sets from which a `.cache()` in a data set is filled."""
    caches = [each for each in _upstream(dataset) if "Cache" in type(each).__name__]
    return [each for cache in caches for each in _upstream(cache) if each is not cache]


def _upstream(dataset: Any) -> Iterator[Any]:
    """Yield a data set and all that it is made from."""
    yield dataset
    inputs = getattr(dataset, "_inputs", None)
    for each in inputs() if inputs else ():
        yield from _upstream(each)


def _operations(dataset: Any) -> set[str]:
    """Return the operations in the function of a data set's map."""
    function = getattr(getattr(dataset, "_map_func", None), "function", None)
    if function is None:
        return set()
    graph = function.graph.as_graph_def()
    found = {node.op for node in graph.node}
    for inner in graph.library.function:
        found |= {node.op for node in inner.node_def}
    return found


def _augmenting(case: Case) -> Iterator[Finding]:
    """Random layers in a frozen part, which could run once without them."""
    plan, course = case.plan, case.course
    if (
        plan is None
        or course is None
        or course.cache == "never"
        or is_stream(case.data)
    ):
        return
    if course.head is None or views_of(course.policy) is None:
        return
    for number, phase in enumerate(plan.phases, start=1):
        names = _random_before(phase.backbone.first, case)
        if names:
            yield Finding(
                "CK106",
                "warning",
                "Random layers in a frozen part",
                f"In phase {number} nothing is computed ahead, because the frozen part "
                f"augments: {', '.join(names)}. It runs in every epoch.",
                "Take them out of the backbone and pass augment=[...], or set "
                "cache='never'.",
            )


def _random_before(first: str | None, case: Case) -> list[str]:
    """Return the layers that augment before the first that learns, or all of them."""
    names = []
    for place in places(case.model):
        if place.layer.name == first:
            break
        if augments(place.layer):
            names.append(place.layer.name)
    return names


def _live(case: Case) -> Iterator[Finding]:
    """What it costs that the views of an image are endlessly many."""
    plan, course = case.plan, case.course
    if plan is None or course is None or course.cache != "auto" or course.head is None:
        return
    live = [
        each
        for each in plan.phases
        if not each.kept and each.backbone.layers[0] < each.backbone.layers[1]
    ]
    stream = is_stream(case.data)
    if not live or not (stream or views_of(course.policy) is None):
        return
    images, epochs = plan.images[0], sum(each.phase.epochs for each in live)
    why = "a data set is a stream" if stream else f"{course.policy} never repeats"
    yield Finding(
        "CK106",
        "note",
        "Nothing can be kept",
        f"Because {why}, the frozen layers see {images * epochs:,} images in "
        f"{epochs} epochs; with flips alone they would see {2 * images:,} once.",
        "Pass arrays or Splits."
        if stream
        else "augment=None keeps flips; measure "
        "whether more augmentation is worth the time.",
    )
