"""What the images are like, before anything is trained."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_whole
from cifarkit._types import Images
from cifarkit.augment import Augmentation, compose
from cifarkit.datasets import Split, Splits
from cifarkit.datasets import channels as channels_of
from cifarkit.datasets._draw import generator
from cifarkit.viz._canvas import (
    BLUE,
    GREY,
    ORANGE,
    Figure,
    canvas,
    grid,
    label,
    short,
    tidy,
)

_COLOURS = {"red": "#c0392b", "green": "#2c8a4b", "blue": "#1f5fa8"}


def samples(split: Split, *, per_class: int = 1, seed: int = 0) -> Figure:
    """Show images of every class.

    Args:
        split: where they are drawn from.
        per_class: images of each class, at least 1; fewer if some class has fewer.
        seed: of the draw.

    Raises:
        InvalidArgument: `per_class` is below 1, or `seed` below 0.
        MissingExtra: matplotlib is not installed.
    """
    require_whole("per_class", per_class)
    counts = np.bincount(split.labels, minlength=len(split.class_names))
    per_class = min(per_class, int(counts[counts > 0].min(initial=per_class)))
    random, chosen, captions = generator(seed), [], []
    for number, name in enumerate(split.class_names):
        places = random.permutation(np.flatnonzero(split.labels == number))[:per_class]
        chosen += places.tolist()
        captions += [short(name), *[""] * per_class][: len(places)]
    if per_class == 1:
        return grid(split.images[chosen], captions, columns=max(1, min(5, len(chosen))))
    return grid(split.images[chosen], captions, columns=per_class, where="left")


def class_counts(splits: Splits) -> Figure:
    """Show how many images of each class every split has."""
    parts = {
        "training": (splits.train, BLUE),
        "validation": (splits.validation, GREY),
        "test": (splits.test, ORANGE),
    }
    names = splits.train.class_names
    figure, ((axes,),) = canvas(height=1.2 + 0.32 * len(names))
    for place, (part, (split, colour)) in enumerate(parts.items()):
        counts = np.bincount(split.labels, minlength=len(names))
        rows = np.arange(len(names)) + 0.27 * (place - 1)
        axes.barh(rows, counts, 0.25, label=part, color=colour)
    axes.set_yticks(range(len(names)), map(label, names))
    axes.invert_yaxis()
    tidy(axes, x="images")
    figure.legend(loc="outside upper right", ncols=3, fontsize=8, frameon=False)
    return figure


def channels(split: Split) -> Figure:
    """Show how often each value of red, green and blue occurs, and their statistics."""
    figure, ((axes,),) = canvas(height=3.2)
    for channel in channels_of(split):
        share = channel.counts / channel.counts.sum()
        colour = _COLOURS[channel.name]
        axes.plot(range(256), 100 * share, color=colour, lw=1.2, label=str(channel))
        axes.axvline(channel.mean, color=colour, lw=0.8, ls=":")
    tidy(axes, x="value, from 0 to 255", y="share of the pixels, %")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False)
    return figure


def augmentations(
    split: Split,
    items: Sequence[Augmentation] | Augmentation,
    *,
    count: int = 6,
    image: int = 0,
    seed: int = 0,
) -> Figure:
    """Show what each augmentation by itself makes of one image.

    Args:
        split: where the image is; mixing augmentations take the one before it too.
        items: the augmentations, a row for each; or a single one.
        count: how often each is drawn.
        image: the image's place in the split.
        seed: of the draws.

    Raises:
        InvalidArgument: there are no items or no such image, `count` is below 1, or
            `seed` below 0.
    """
    require_whole("count", count)
    items = [items] if isinstance(items, Augmentation) else items
    if not items:
        raise InvalidArgument("Expected at least one augmentation; received none.")
    if not 0 <= image < len(split):
        raise InvalidArgument(
            f"Expected image from 0 to {len(split) - 1}; received {image!r}."
        )
    shown, captions = [split.images[image]] * len(items), [str(item) for item in items]
    rows = [_drawn(split, item, count, image, seed) for item in items]
    images = [
        one for first, row in zip(shown, rows, strict=True) for one in (first, *row)
    ]
    titles = [text for caption in captions for text in (caption, *[""] * count)]
    return grid(np.stack(images), titles, columns=count + 1, where="left")


def _drawn(
    split: Split, item: Augmentation, count: int, image: int, seed: int
) -> Images:
    """Return `count` results for one image."""
    policy, random = compose(item), generator(seed)
    # A mixing augmentation takes the previous image of the batch: they alternate.
    places = np.tile([image - 1, image], count)
    pixels = split.images[places].astype(np.float32)
    targets = np.eye(len(split.class_names), dtype=np.float32)[split.labels[places]]
    noise = random.random((len(places), policy.draws), dtype=np.float32)
    changed, _ = policy(*map(ops.convert_to_tensor, (pixels, targets, noise)))
    rounded: Images = np.rint(ops.convert_to_numpy(changed)[1::2]).astype(np.uint8)
    return rounded
