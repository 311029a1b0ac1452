"""What a phase learns from: the images, or what was computed of them ahead."""

from dataclasses import dataclass
from typing import Literal

from cifarkit._types import Model
from cifarkit.activations import Activations, Cache
from cifarkit.augment import Policy
from cifarkit.training._batches import Feed
from cifarkit.training._inputs import Data, InMemory, InPlace
from cifarkit.training._phase import Phase

Caching = Literal["auto", "never"] | Cache


@dataclass(frozen=True)
class Stage:
    """What one phase learns from.

    Args:
        learner: the model that is fitted: the whole network, or its last part.
        data: what goes into it.
        policy: the augmentation that is left to do in the step.
        engine: what computed the activations, or `"live"`.
        seconds: how long that took.
    """

    learner: Model
    data: Data
    policy: Policy
    engine: str = "live"
    seconds: float = 0.0


@dataclass(frozen=True)
class Kept(InPlace):
    """Labelled images of which the activations are kept.

    Args:
        images: the images themselves.
        activations: what is kept of them.
    """

    images: InMemory
    activations: Activations

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what is kept of one image."""
        return self.activations.shape

    def feed(self, phase: Phase, *, draws: int, key: tuple[int, ...] | None) -> Feed:
        """Return batches whose noise chooses the views; it is that of live training."""
        draws = max(draws, self.activations.views.draws)
        look = self.activations.take
        return self.images.batches(look, phase, draws=draws, key=key).feed()
