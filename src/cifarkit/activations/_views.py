"""The views of an image under which activations are kept.

A mirrored image and a plain one are all that a flip can make, so two views make a cache
that is exact: training from it sees the same images as training without it. Of what can
be made endlessly, some views are drawn once, the same for everybody, and training
chooses among them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from keras import ops

from cifarkit._errors import InvalidArgument
from cifarkit._types import Floats, Images, Labels
from cifarkit.augment import Policy, compose, flip


class Views(ABC):
    """A few images made of each one."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def draws(self) -> int:
        """How many uniform numbers choose the view of one image."""

    @property
    def text(self) -> str:
        """All that the views follow from; empty where that cannot be said."""
        return repr(self)

    @abstractmethod
    def show(self, images: Images, view: int, start: int) -> Images | Floats:
        """Return images as a view shows them.

        Args:
            images: uint8, shape `(B, H, W, 3)`.
            view: the number of the view.
            start: the position of the first of them among all images.
        """

    @abstractmethod
    def choose(self, noise: Floats) -> Labels:
        """Return the view that augmentation would choose with this noise, `(B,)`."""


@final
@dataclass(frozen=True)
class Flips(Views):
    """All images that a flip can make of one.

    Args:
        mirrored: whether the mirror image is one of them, beside the image itself.
    """

    mirrored: bool

    def __len__(self) -> int:
        return 2 if self.mirrored else 1

    @property
    def draws(self) -> int:
        """How many uniform numbers choose the view of one image."""
        return 1 if self.mirrored else 0

    def show(self, images: Images, view: int, start: int) -> Images:
        """Return the images, or their mirror images."""
        return images[:, :, ::-1] if view else images

    def choose(self, noise: Floats) -> Labels:
        """Return the view that the flip would choose with this noise, `(B,)`."""
        if not self.mirrored:
            return np.zeros(len(noise), np.int64)
        return (noise[:, 0] < 0.5).astype(np.int64)


@final
@dataclass(frozen=True)
class Drawn(Views):
    """Some of the images that a policy can make of one, drawn once for all.

    Args:
        policy: the augmentation; it must not mix images.
        count: how many views there are.

    Raises:
        InvalidArgument: the policy mixes images, which no view of one can show.
    """

    policy: Policy
    count: int

    def __post_init__(self) -> None:
        if self.policy.mixes:
            raise InvalidArgument(
                "Expected augmentation of single images beside Cache(views=...); "
                f"received {self.policy}, which mixes them. Set cache='never'."
            )

    def __len__(self) -> int:
        return self.count

    @property
    def draws(self) -> int:
        """How many uniform numbers choose the view of one image."""
        return 1

    @property
    def text(self) -> str:
        """The policy and the count; empty with an augmentation that is not ours."""
        ours = all(
            type(item).__module__.startswith("cifarkit.augment.")
            for item in self.policy.items
        )
        return repr(self) if ours else ""

    def show(self, images: Images, view: int, start: int) -> Floats:
        """Return the images as the policy changes them with the view's own noise."""
        random = np.random.default_rng((view, start))
        noise = random.random((len(images), self.policy.draws), dtype=np.float32)
        none = np.zeros((len(images), 1), np.float32)
        given = [ops.convert_to_tensor(each) for each in (images, none, noise)]
        shown, _ = self.policy(ops.cast(given[0], "float32"), *given[1:])
        return np.asarray(ops.convert_to_numpy(shown))

    def choose(self, noise: Floats) -> Labels:
        """Return one of the views, each as likely as another, `(B,)`."""
        views = (noise[:, 0] * self.count).astype(np.int64)
        return np.minimum(views, self.count - 1)  # a number just below 1 rounds up


def views_of(policy: Policy, drawn: int | None = None) -> Views | None:
    """Return the views of a policy, or None if they are endlessly many.

    Args:
        policy: the augmentation.
        drawn: how many to draw where they are endlessly many.
    """
    if policy == compose(()):
        return Flips(mirrored=False)
    if policy == compose([flip()]):
        return Flips(mirrored=True)
    return Drawn(policy, drawn) if drawn else None
