"""What a split is, how images are drawn from it, and how it is divided."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit.datasets import Split, Splits
from cifarkit.datasets._divide import divide, shares
from cifarkit.datasets._draw import draw
from strategies import label_arrays, splits

SEEDS = st.integers(0, 1000)
IMAGES = np.zeros((4, 2, 3, 3), np.uint8)
LABELS = np.array([0, 1, 0, 1])
NAMES = ("cat", "dog")


def ids(split):
    """The numbers that `strategies.splits` writes into its images."""
    return split.images[:, 1, 2, 0].tolist()


@given(drawn=label_arrays(), share=st.floats(0, 1), seed=SEEDS)
def test_a_draw_and_the_others_cover_the_labels_once(drawn, share, seed):
    """Every position is drawn or left, ascending, and `n` of them are drawn."""
    labels, _ = drawn
    n = int(share * len(labels))
    taken, others = draw(labels, n, seed=seed)
    assert len(taken) == n
    assert sorted([*taken, *others]) == list(range(len(labels)))
    assert taken.tolist() == sorted(taken)
    assert others.tolist() == sorted(others)


@given(drawn=label_arrays(min_size=1), share=st.floats(0, 1), seed=SEEDS)
def test_a_draw_keeps_the_share_of_every_class(drawn, share, seed):
    """No class is off its exact share by a whole image."""
    labels, classes = drawn
    n = int(share * len(labels))
    taken, _ = draw(labels, n, seed=seed)
    counts = np.bincount(labels, minlength=classes)
    exact = n * counts / len(labels)
    assert (np.abs(np.bincount(labels[taken], minlength=classes) - exact) < 1).all()


@given(drawn=label_arrays(), seed=SEEDS)
def test_a_draw_is_decided_by_its_seed(drawn, seed):
    """The same seed draws the same images."""
    labels, _ = drawn
    first, again = (draw(labels, len(labels) // 2, seed=seed)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_seeds_draw_differently():
    """Ten seeds draw ten sets of images, and do not favour the first classes."""
    labels = np.arange(100) % 10
    assert len({tuple(draw(labels, 20, seed=seed)[0]) for seed in range(10)}) == 10
    draws = [draw(labels, 15, seed=seed)[0] for seed in range(10)]
    twice = [frozenset(np.flatnonzero(np.bincount(labels[t]) == 2)) for t in draws]
    assert len(set(twice)) > 1


@pytest.mark.parametrize("n", [-1, 5, 0.5])
def test_a_draw_refuses_an_impossible_number(n):
    """Fewer than none, more than all, and fractions are refused."""
    with pytest.raises(InvalidArgument, match="from 0 to 4"):
        draw(LABELS, n, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, "1", None])
def test_a_seed_is_a_whole_number(seed):
    """A seed that would not be the same each time is refused."""
    with pytest.raises(InvalidArgument, match="seed"):
        draw(LABELS, 2, seed=seed)


@given(split=splits(), share=st.floats(0, 1), seed=SEEDS)
def test_take_takes_of_the_split_in_its_order(split, share, seed):
    """Images and labels stay together, and nothing else of the split changes."""
    n = int(share * len(split))
    taken = split.take(n, seed=seed)
    assert len(taken) == n
    assert ids(taken) == sorted(set(ids(taken)))
    assert taken.labels.tolist() == split.labels[ids(taken)].tolist()
    assert (taken.class_names, taken.size) == (split.class_names, split.size)


def test_select_takes_the_order_that_it_is_given():
    """Positions may come in any order, and more than once."""
    images = np.arange(4, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    chosen = Split(images, LABELS, NAMES, 8).select([3, 0, 3])
    assert chosen.images[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert chosen.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("positions", [[4], [-1]])
def test_select_refuses_positions_outside(positions):
    """A negative position is not counted from the end."""
    with pytest.raises(InvalidArgument, match="from 0 to 3"):
        Split(IMAGES, LABELS, NAMES, 8).select(positions)


@given(
    split=splits(fewest=4),
    validation=st.sampled_from([0, 0.1, 0.25, 0.4]),
    test=st.sampled_from([0, 0.1, 0.3]),
    seed=SEEDS,
)
def test_a_division_is_whole_disjoint_and_stratified(split, validation, test, seed):
    """Each image is in one part, and each class in every part with its share."""
    counts = np.bincount(split.labels, minlength=len(split.class_names))
    parts = divide(split, validation=validation, test=test, seed=seed, source="here")
    found = [*ids(parts.train), *ids(parts.validation), *ids(parts.test)]
    assert sorted(found) == ids(split)
    for part, share in ((parts.validation, validation), (parts.test, test)):
        held = np.bincount(part.labels, minlength=len(counts))
        assert (np.abs(held - share * counts) < 1).all()
        assert (held > 0).all() == (share > 0)
    assert set(parts.train.labels) == set(range(len(counts)))
    assert parts.source == "here"


@given(split=splits(fewest=2), seed=SEEDS)
def test_a_division_is_decided_by_its_seed(split, seed):
    """The same seed divides in the same way."""
    first, again = (
        divide(split, validation=0.3, test=0, seed=seed, source="") for _ in range(2)
    )
    assert ids(first.train) == ids(again.train)
    assert ids(first.validation) == ids(again.validation)


def test_a_division_refuses_a_class_that_is_too_small():
    """The class and its number of images are named."""
    split = Split(IMAGES[:3], LABELS[:3], NAMES, 8)
    with pytest.raises(
        InvalidData, match=r"class 'dog'.*received 1, of which validation"
    ):
        divide(split, validation=0.1, test=0, seed=0, source="")


@pytest.mark.parametrize(
    ("validation", "test", "text"),
    [
        (1, 0, r"in \[0, 1\)"),
        (-0.1, 0, r"in \[0, 1\)"),
        (0, -0.1, r"in \[0, 1\)"),
        (0, 5000, r"in \[0, 1\)"),
        ("0.1", 0, r"in \[0, 1\)"),
        (0, "0.1", r"in \[0, 1\)"),
        (0.5, 0.5, "below 1"),
    ],
)
def test_a_division_refuses_fractions_that_leave_nothing(validation, test, text):
    """Numbers of images, negatives, and fractions that sum to one are refused."""
    with pytest.raises(InvalidArgument, match=text):
        divide(
            Split(IMAGES, LABELS, NAMES, 8),
            validation=validation,
            test=test,
            seed=0,
            source="",
        )


@pytest.mark.parametrize(
    "change",
    [
        {"images": IMAGES.astype(np.float32)},
        {"images": IMAGES[..., :1]},
        {"images": IMAGES[0]},
        {"images": IMAGES[:, :0]},
        {"images": IMAGES[:3]},
        {"labels": LABELS.astype(np.int32)},
        {"labels": LABELS[:, None]},
        {"labels": LABELS + 1},
        {"labels": LABELS - 1},
        {"class_names": ()},
        {"class_names": ("cat", "cat")},
        {"class_names": ("cat", "")},
        {"class_names": ["cat", "dog"]},
    ],
)
def test_a_split_refuses_what_is_not_labelled_images(change):
    """Each shape, type, range and name is checked."""
    with pytest.raises(InvalidData, match="Expected"):
        dataclasses.replace(Split(IMAGES, LABELS, NAMES, 8), **change)


@pytest.mark.parametrize("size", [0, -8, 8.0, "8", True])
def test_a_split_refuses_a_size_that_is_none(size):
    """A size is a whole number of pixels."""
    with pytest.raises(InvalidArgument, match="size"):
        Split(IMAGES, LABELS, NAMES, size)


def test_the_arrays_of_a_split_are_read_only():
    """What a digest was computed of cannot be changed through the split."""
    images = IMAGES.copy()
    split = Split(images, LABELS, NAMES, 8)
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 1
    images[0] = 1
    assert split.images is not images


@pytest.mark.parametrize(
    "change",
    [
        {"images": IMAGES + np.uint8(1)},
        {"images": IMAGES.reshape(4, 3, 2, 3)},
        {"labels": 1 - LABELS},
        {"class_names": ("dog", "cat")},
        {"class_names": ("cat", "dog", "cow")},
        {"class_names": ("cat", "dog\0")},
    ],
)
def test_a_digest_tells_splits_apart(change):
    """Pixels, shape, labels and names each change the digest."""
    split = Split(IMAGES, LABELS, NAMES, 8)
    assert dataclasses.replace(split, **change).digest != split.digest


def test_a_digest_is_of_the_content():
    """The same content has the same digest, however it lies in memory."""
    split = Split(IMAGES, LABELS, NAMES, 8)
    other = Split(np.asfortranarray(IMAGES), LABELS.copy(), NAMES, size=16)
    assert other.digest == split.digest
    assert split.digest is split.digest


@pytest.mark.parametrize(
    "change", [{"class_names": ("dog", "cat")}, {"size": 16}], ids=str
)
@pytest.mark.parametrize("part", ["validation", "test"])
def test_splits_are_of_the_same_classes_and_size(part, change):
    """Parts that a model could not be both trained and tested on are refused."""
    split = Split(IMAGES, LABELS, NAMES, 8)
    splits = Splits(split, split, split)
    other = dataclasses.replace(split, **change)
    with pytest.raises(InvalidData, match=f"in {part} too"):
        dataclasses.replace(splits, **{part: other})


def test_splits_print_in_one_line():
    """A notebook shows numbers and sides, not arrays."""
    split = Split(IMAGES, LABELS, NAMES, 8)
    assert repr(split) == "Split(4 images of 3 x 2, 2 classes, size=8)"
    assert repr(Splits(split, split.take(2), split.take(0))) == (
        "Splits(train=4, validation=2, test=0 images of 3 x 2, 2 classes, size=8)"
    )


def test_select_takes_a_mask():
    """As NumPy does; a mask that were read as numbers would copy two images."""
    split = Split(
        np.zeros((4, 2, 2, 3), np.uint8), np.array([0, 1, 0, 1]), ("a", "b"), 8
    )
    assert split.select(split.labels == 1).labels.tolist() == [1, 1]


@pytest.mark.parametrize("wrong", [[1.7], ["a"], {0, 1}, [True, False], [[0], [1]]])
def test_select_refuses_what_are_no_positions(wrong):
    """Fractions, names, sets, masks of another length."""
    split = Split(np.zeros((3, 2, 2, 3), np.uint8), np.zeros(3, np.int64), ("a",), 8)
    with pytest.raises(InvalidArgument, match="positions"):
        split.select(wrong)


def test_class_names_can_be_written():
    """Folder names that are no UTF-8 would fail when a result is saved."""
    with pytest.raises(InvalidData, match="UTF-8"):
        Split(np.zeros((1, 2, 2, 3), np.uint8), np.zeros(1, np.int64), ("\udce9",), 8)


def test_seeds_divide_and_take_differently():
    """Each seed has its own draw, the default being 0; nothing can be selected too."""
    images = np.zeros((40, 2, 3, 3), np.uint8)
    images[:, 1, 2, 0] = np.arange(40)
    split = Split(images, np.arange(40) % len(NAMES), NAMES, 8)
    parts = [
        divide(split, validation=0.25, test=0.25, seed=seed, source="").test
        for seed in range(5)
    ]
    takes = [split.take(20, seed=seed) for seed in range(5)]

    def drawn(each):
        return tuple(each.images[:, 1, 2, 0].tolist())

    assert len(set(map(drawn, parts))) == len(set(map(drawn, takes))) == 5
    assert drawn(split.take(20)) == drawn(takes[0])
    assert len(split.select([])) == 0


def test_a_class_without_images_is_refused():
    """The last one too, which no label shows."""
    first = Split(IMAGES, np.zeros(len(IMAGES), np.int64), NAMES, 8)
    with pytest.raises(InvalidData, match=f"class '{NAMES[1]}'.*received 0"):
        divide(first, validation=0.25, test=0, seed=0, source="")


def test_shares_are_rounded_to_the_nearest():
    """1.4, 1.6 and 2.5 images are 1, 2 and 3."""
    counts = np.array([14, 16, 25])
    held, _ = shares(("a", "b", "c"), counts, validation=0.1, test=0)
    assert held.tolist() == [1, 2, 3]
