"""What every augmentation promises, and how several become one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from cifarkit import augment
from cifarkit._errors import InvalidArgument, InvalidData, UnknownName
from strategies import batches, noises

NEUTRAL = {
    augment.flip(): 0.5,
    augment.shift(0.2): 0.5,
    augment.crop(3): 0.5,
    augment.crop(3, fill="constant"): 0.5,
    augment.rotation(0.3): 0.5,
    augment.rotation(0.3, fill="nearest"): 0.5,
    augment.zoom(0.5): 0.5,
    augment.brightness(0.5): 0.5,
    augment.contrast(0.5): 0.5,
    augment.color_jitter(brightness=0.2, contrast=0.2, saturation=0.9, hue=0.5): 0.5,
    augment.mixup(0.2): 0.0,
    augment.cutmix(2.0): 0.0,
}
KINDS = [*NEUTRAL, augment.cutout(3)]
S3 = [
    augment.flip(),
    augment.rotation(0.1),
    augment.zoom(0.1),
    augment.shift(0.1),
    augment.contrast(0.1),
]
few = settings(max_examples=10)
any_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def applied(kind, batch, noise):
    """Apply an augmentation to NumPy arrays."""
    tensors = [ops.convert_to_tensor(array) for array in (*batch, noise)]
    return tuple(ops.convert_to_numpy(array) for array in kind(*tensors))


@any_kind
@few
@given(data=st.data())
def test_shapes_types_and_ranges_stay(kind, data):
    """Images stay float32 in [0, 255]; every target row still sums to 1."""
    batch = data.draw(batches())
    policy = augment.compose([kind])
    noise = data.draw(noises(len(batch[0]), policy.draws))
    images, targets = applied(policy, batch, noise)
    assert (images.shape, images.dtype) == (batch[0].shape, np.float32)
    assert (targets.shape, targets.dtype) == (batch[1].shape, np.float32)
    assert images.min() >= 0
    assert images.max() <= 255
    assert targets.min() >= 0
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("kind", "neutral"), NEUTRAL.items(), ids=str)
@few
@given(batch=batches())
def test_neutral_noise_changes_nothing(kind, neutral, batch):
    """At the documented neutral noise the batch comes back, bit for bit."""
    noise = np.full((len(batch[0]), kind.draws), neutral, "float32")
    images, targets = applied(kind, batch, noise)
    np.testing.assert_array_equal(images, batch[0])
    np.testing.assert_array_equal(targets, batch[1])


@any_kind
def test_other_noise_changes_something(kind):
    """No augmentation is an expensive way to do nothing."""
    generator = np.random.default_rng(0)
    batch = generator.uniform(0, 255, (8, 6, 7, 3)), np.eye(8)
    batch = tuple(array.astype("float32") for array in batch)
    noise = generator.uniform(0, 1, (8, kind.draws)).astype("float32")
    assert not np.array_equal(applied(kind, batch, noise)[0], batch[0])


@few
@given(data=st.data())
def test_the_same_noise_gives_the_same_batch(data):
    """An augmentation holds no random state."""
    batch = data.draw(batches())
    policy = augment.compose(KINDS)
    noise = data.draw(noises(len(batch[0]), policy.draws))
    first, again = (applied(policy, batch, noise) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


@few
@given(data=st.data())
def test_a_policy_is_its_items_in_order(data):
    """Each item gets its own columns of the noise, and the result of the one before."""
    batch = data.draw(batches())
    items = [augment.brightness(0.5), augment.cutout(2), augment.mixup(1.0)]
    policy = augment.compose(items)
    noise = data.draw(noises(len(batch[0]), 4))
    step = applied(items[0], batch, noise[:, :1])
    step = applied(items[1], step, noise[:, 1:3])
    images, targets = applied(items[2], step, noise[:, 3:])
    whole = applied(policy, batch, noise)
    np.testing.assert_allclose(whole[0], images, atol=1e-3)
    np.testing.assert_allclose(whole[1], targets, atol=1e-6)


def test_draws_add_up():
    """A policy needs as many numbers as its items together, joined or not."""
    assert augment.compose(S3).draws == sum(item.draws for item in S3) == 6
    assert augment.compose(KINDS).draws == sum(item.draws for item in KINDS)


@pytest.mark.parametrize(
    ("items", "steps"),
    [
        (S3, 2),
        ([augment.crop(2, fill="constant"), augment.flip(), augment.zoom(0.1)], 2),
        ([augment.rotation(0.1), augment.contrast(0.1), augment.flip()], 3),
        ([augment.flip(), augment.crop(2, fill="nearest")], 1),
    ],
    ids=["s3", "fills differ", "colour between", "flip takes any fill"],
)
def test_geometric_neighbours_become_one_step(items, steps):
    """Moves with the same fill are joined; anything between them keeps them apart."""
    assert len(augment.compose(items).items) == steps


def test_no_augmentations_change_nothing():
    """The empty policy needs no noise and gives the batch back."""
    empty, images = augment.compose([]), np.full((2, 3, 4, 3), 7, "float32")
    noise = np.zeros((2, 0), "float32")
    assert (empty.draws, empty.mixes, str(empty)) == (0, False, "none")
    np.testing.assert_array_equal(applied(empty, (images, np.eye(2)), noise)[0], images)


@any_kind
def test_mixes_says_whether_targets_change(kind):
    """Only an augmentation that says so gives other targets than it was given."""
    generator = np.random.default_rng(0)
    batch = generator.uniform(0, 255, (8, 6, 7, 3)), np.eye(8)
    batch = tuple(array.astype("float32") for array in batch)
    noise = generator.random((8, kind.draws), "float32")
    changed = not np.array_equal(applied(kind, batch, noise)[1], batch[1])
    assert kind.mixes == changed == augment.compose([kind]).mixes


def test_a_policy_can_be_part_of_a_policy():
    """A composition is an augmentation like any other."""
    inner = augment.compose(S3)
    assert augment.compose([inner, augment.cutout(4)]).draws == inner.draws + 2


def test_equal_descriptions_are_equal():
    """Augmentations are values: they compare, hash and print by what they are."""
    assert augment.crop(4) == augment.crop(4) != augment.crop(5)
    assert len({augment.compose(S3), augment.compose(S3)}) == 1
    assert "kind='rotation', amount=0.1" in repr(augment.rotation(0.1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.shift(0.0),
        lambda: augment.shift(1.5),
        lambda: augment.shift(float("nan")),
        lambda: augment.rotation(0.6),
        lambda: augment.rotation("much"),
        lambda: augment.zoom(1.0),
        lambda: augment.zoom(True),
        lambda: augment.crop(0),
        lambda: augment.crop(0.1),
        lambda: augment.crop(4, fill="reflekt"),
        lambda: augment.brightness(-0.1),
        lambda: augment.contrast(2),
        lambda: augment.color_jitter(),
        lambda: augment.color_jitter(hue=0.7),
        lambda: augment.cutout(2.5),
        lambda: augment.mixup(0),
        lambda: augment.cutmix(float("inf")),
        lambda: augment.compose(["flip"]),
    ],
)
def test_amounts_without_meaning_are_refused(make):
    """A bad argument is an InvalidArgument when the value is made, not later."""
    with pytest.raises(InvalidArgument, match=r"received|Did you mean"):
        make()


def test_an_unknown_fill_is_named_with_the_nearest():
    """A misspelt fill gets a suggestion."""
    with pytest.raises(UnknownName, match="Did you mean 'constant'"):
        augment.rotation(0.1, fill="constan")


@pytest.mark.parametrize(
    ("images", "targets", "noise", "words"),
    [
        (np.zeros((2, 4, 4, 3), "uint8"), np.eye(2), np.zeros((2, 1)), "float32"),
        (np.zeros((2, 4, 4, 1), "float32"), np.eye(2), np.zeros((2, 1)), "H, W, 3"),
        (np.zeros((2, 4, 4, 3), "float32"), np.zeros(2), np.zeros((2, 1)), "one-hot"),
        (np.zeros((2, 4, 4, 3), "float32"), np.eye(2), np.zeros((2, 2)), r"\(B, 1\)"),
    ],
    ids=["uint8", "grey", "class numbers", "too much noise"],
)
def test_a_batch_that_does_not_fit_is_refused(images, targets, noise, words):
    """A policy says what it expected of images, targets or noise."""
    with pytest.raises(InvalidData, match=words):
        applied(augment.compose([augment.flip()]), (images, targets), noise)
