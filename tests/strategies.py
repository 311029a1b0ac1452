"""What property tests draw: values of the package, the odd ones included."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy
from numpy.typing import NDArray

from cifarkit._types import Images, Labels
from cifarkit.datasets import Split
from cifarkit.evaluation import Evaluation, Mistake


@st.composite
def class_names(draw: st.DrawFn, classes: int) -> tuple[str, ...]:
    """Different class names, of any characters and lengths."""
    names = st.text(min_size=1, max_size=100).filter(_encodable)
    return tuple(draw(st.lists(names, min_size=classes, max_size=classes, unique=True)))


@st.composite
def answers(
    draw: st.DrawFn, *, fewest: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels `(N,)` and probabilities `(N, C)`, with ties, zeros and empty classes."""
    width, length = draw(st.integers(fewest, 6)), draw(st.integers(1, 30))
    labels = draw(numpy.arrays(np.int64, length, elements=st.integers(0, width - 1)))
    weights = draw(numpy.arrays(np.int64, (length, width), elements=st.integers(0, 5)))
    weights[weights.sum(axis=1) == 0] = 1
    return labels, weights / weights.sum(axis=1, keepdims=True)


@st.composite
def matrices(draw: st.DrawFn) -> NDArray[np.int64]:
    """Confusion matrices `(C, C)` with at least one image."""
    width = draw(st.integers(1, 6))
    counts = draw(numpy.arrays(np.int64, (width, width), elements=st.integers(0, 50)))
    counts[0, -1] += counts.sum() == 0
    return counts


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluation:
    """Evaluations as `evaluate` makes them, without a model."""
    matrix = draw(matrices())
    names = draw(class_names(len(matrix)))
    shares = st.floats(0, 1)
    loss = draw(st.floats(0, 16))
    wrong = st.builds(
        lambda index, pair, sure: Mistake(
            index=index, true=pair[0], predicted=pair[1], confidence=sure
        ),
        st.integers(0, int(matrix.sum()) - 1),
        st.permutations(names),
        shares,
    )
    return Evaluation(
        class_names=names,
        confusion=matrix,
        loss=loss,
        objective=loss + draw(st.floats(0, 10)),
        ece=draw(shares),
        top_k={k: draw(shares) for k in (1, 3, 5) if k <= len(names)},
        worst=tuple(draw(st.lists(wrong, max_size=3))) if len(names) > 1 else (),
        tta=draw(st.booleans()),
    )


@st.composite
def batches(
    draw: st.DrawFn,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Images `(B, H, W, 3)` in [0, 255] and targets `(B, C)` of a training step."""
    count, height, width = (draw(st.integers(1, most)) for most in (4, 9, 9))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    images = generator.uniform(0, 255, (count, height, width, 3))
    images = np.where(draw(st.booleans()), np.round(images / 255) * 255, images)
    targets = generator.dirichlet(np.ones(5), count)
    return images.astype(np.float32), targets.astype(np.float32)


def noises(count: int, draws: int) -> st.SearchStrategy[NDArray[np.float32]]:
    """Uniform numbers `(count, draws)` in [0, 1), the ends and the middle included."""
    numbers = st.floats(0, 1, exclude_max=True, width=32) | st.just(0.5)
    return numpy.arrays(np.float32, (count, draws), elements=numbers)


@st.composite
def label_arrays(
    draw: st.DrawFn, *, min_size: int = 0, max_size: int = 200
) -> tuple[Labels, int]:
    """Class numbers `(N,)`, empty classes included, and how many classes there are."""
    classes = draw(st.integers(1, 6))
    labels = st.lists(st.integers(0, classes - 1), min_size=min_size, max_size=max_size)
    return np.array(draw(labels), dtype=np.int64), classes


@st.composite
def splits(draw: st.DrawFn, *, fewest: int = 0) -> Split:
    """Splits whose images all differ, with at least `fewest` images of each class."""
    labels, classes = draw(label_arrays())
    labels = np.concatenate([np.repeat(np.arange(classes), fewest), labels])
    np.random.default_rng(draw(st.integers(0, 99))).shuffle(labels)
    images = np.zeros((len(labels), 2, 3, 3), dtype=np.uint8)
    images[:, 1, 2, 0] = np.arange(len(labels))
    return Split(images, labels, draw(class_names(classes)), size=8)


@st.composite
def rgb_images(draw: st.DrawFn) -> Images:
    """One RGB image of random pixels `(H, W, 3)`."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
