"""Stratified draws: which images go where, decided from the labels alone.

A draw depends on the labels and the seed and on nothing else; it never sees a pixel.
"""

import operator

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole
from cifarkit._types import Labels

Positions = NDArray[np.int64]
"""Positions in an array of images, int64, ascending."""


def draw(labels: Labels, n: int, *, seed: int) -> tuple[Positions, Positions]:
    """Draw `n` images so that every class keeps its share.

    The number drawn from a class differs from its exact share by less than one image;
    which classes get the odd images is drawn too.

    Args:
        labels: int64, shape `(N,)`.
        n: how many to draw, 0 to N.
        seed: not negative; the same seed draws the same images.

    Returns:
        The positions drawn, and all others.

    Raises:
        InvalidArgument: `n` or `seed` is out of range.
    """
    if not is_whole(n, least=0) or n > len(labels):
        raise InvalidArgument(
            f"Expected a number of images from 0 to {len(labels)}; received {n!r}. "
            "Ask for no more images than there are."
        )
    n, random = int(n), generator(seed)
    counts = np.bincount(labels)
    # Whole numbers throughout: equal shares must tie exactly.
    shares, remainders = np.divmod(n * counts, max(len(labels), 1))
    by_remainder = np.lexsort((random.permutation(len(counts)), -remainders))
    shares[by_remainder[: n - shares.sum()]] += 1
    taken, others = deal(labels, [shares], random)
    return taken, others


def deal(
    labels: Labels, counts: list[NDArray[np.int64]], random: np.random.Generator
) -> list[Positions]:
    """Deal the images of every class into parts, at random.

    Args:
        labels: int64, shape `(N,)`.
        counts: for each part, how many images of each class it gets.
        random: where the order within each class comes from.

    Returns:
        The positions of each part, and as the last element those that are left over.
    """
    parts: list[list[Positions]] = [[] for _ in range(len(counts) + 1)]
    ends = np.cumsum(counts, axis=0)
    for label in range(ends.shape[1]):
        members = random.permutation(np.flatnonzero(labels == label))
        for part, piece in zip(parts, np.split(members, ends[:, label]), strict=True):
            part.append(piece)
    empty = np.empty(0, np.int64)
    return [np.sort(np.concatenate([empty, *pieces])) for pieces in parts]


def generator(seed: int) -> np.random.Generator:
    """Return the random generator of a seed.

    Raises:
        InvalidArgument: the seed is not a whole number from 0 up.
    """
    try:
        return np.random.default_rng(operator.index(seed))
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"Expected a seed that is a whole number from 0 up; received {seed!r}. "
            "Give for example seed=0."
        ) from None
