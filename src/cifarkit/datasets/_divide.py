"""One set of labelled images, divided into training, validation and test images."""

import numpy as np
from numpy.typing import NDArray

from cifarkit._errors import InvalidArgument, InvalidData
from cifarkit._numbers import is_number
from cifarkit._types import Labels
from cifarkit.datasets._draw import deal, generator
from cifarkit.datasets._splits import Split, Splits


def divide(
    whole: Split, *, validation: float, test: float, seed: int, source: str
) -> Splits:
    """Divide `whole` at random so that every class is in every part.

    Of each class, the validation and the test part get the fraction asked for, rounded
    to the nearest whole number and at least one image; training gets the others.

    Args:
        whole: all images.
        validation: fraction of each class, in [0, 1); 0 leaves that part empty.
        test: fraction of each class, in [0, 1); 0 leaves that part empty.
        seed: not negative; the same seed divides in the same way.
        source: where the images come from.

    Raises:
        InvalidArgument: a fraction or the seed is out of range.
        InvalidData: a class has too few images for the parts asked for.
    """
    rows = dealt(
        whole.class_names, whole.labels, validation=validation, test=test, seed=seed
    )
    train, held_out, held_test = map(whole.select, rows)
    return Splits(train, held_out, held_test, source)


def dealt(
    names: tuple[str, ...],
    labels: Labels,
    *,
    validation: float,
    test: float,
    seed: int,
) -> tuple[NDArray[np.intp], ...]:
    """Return which images are for training, validation and test, as `divide` does.

    Args:
        names: of the classes.
        labels: class numbers of all images, shape `(N,)`.
        validation: as in `divide`.
        test: as in `divide`.
        seed: as in `divide`.
    """
    counts = np.bincount(labels, minlength=len(names))
    parts = shares(names, counts, validation=validation, test=test)
    held_out, held_test, rest = deal(labels, parts, generator(seed))
    return rest, held_out, held_test


def shares(
    names: tuple[str, ...],
    counts: NDArray[np.int64],
    *,
    validation: float,
    test: float,
) -> list[NDArray[np.int64]]:
    """Return how many images of each class the validation and the test part get.

    Args:
        names: of the classes.
        counts: how many images of each there are.
        validation: fraction of each class, as in `divide`.
        test: fraction of each class, as in `divide`.

    Raises:
        InvalidArgument: a fraction is out of range.
        InvalidData: a class has too few images for the parts asked for.
    """
    _check_fractions(validation, test)
    parts = [_share(counts, validation), _share(counts, test)]
    _check_counts(names, counts, parts)
    return parts


def _share(counts: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    if fraction == 0:
        return np.zeros_like(counts)
    nearest: NDArray[np.int64] = np.floor(fraction * counts + 0.5).astype(np.int64)
    return np.maximum(1, nearest)


def _check_fractions(validation: float, test: float) -> None:
    for name, fraction in (("validation", validation), ("test", test)):
        if not is_number(fraction) or not 0 <= fraction < 1:
            raise InvalidArgument(
                f"Expected {name} as a fraction of the images, in [0, 1); received "
                f"{fraction!r}. For a tenth of the images give {name}=0.1."
            )
    if validation + test >= 1:
        raise InvalidArgument(
            "Expected validation + test below 1, so that images to train on are left; "
            f"received {validation} + {test}. Make one of them smaller."
        )


def _check_counts(
    names: tuple[str, ...], counts: NDArray[np.int64], parts: list[NDArray[np.int64]]
) -> None:
    left = counts - sum(parts)
    if (left < 1).any():
        label = int(np.argmin(left))
        validation, test = (part[label] for part in parts)
        raise InvalidData(
            f"Expected at least one image of class {names[label]!r} to train on; "
            f"received {counts[label]}, of which validation takes {validation} and "
            f"test {test}. Add images of this class, leave it out, or lower validation "
            "and test."
        )
