"""What is trained, and how: all that a trainer was told, checked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from cifarkit import augment as augmentation
from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_whole
from cifarkit._registry import require_one_of
from cifarkit._types import Json
from cifarkit.activations import Cache
from cifarkit.augment import Augmentation, Policy
from cifarkit.backbones import Backbone
from cifarkit.heads import Head
from cifarkit.training._devices import Share, share_of, shared
from cifarkit.training._inputs import Data
from cifarkit.training._network import Network, from_scratch, pretrained
from cifarkit.training._phase import Phase
from cifarkit.training._provenance import surroundings
from cifarkit.training._stage import Caching


@dataclass(frozen=True)
class Course:
    """The parts and settings of one training.

    Args:
        backbone: a `Backbone`, or a whole `keras.Model`.
        head: the head on the backbone; None for a whole model.
        phases: the phases, in order.
        policy: the augmentation.
        cache: whether frozen parts may be computed ahead, and how they are kept.
        max_memory: bytes that may be kept for that, or None.
        seed: what all randomness follows from.
        deterministic: whether the backend may only compute in repeatable ways.
        strategy: which devices share the training, or None.

    Raises:
        InvalidArgument: the parts do not fit together, or a setting means nothing.
    """

    backbone: Any
    head: Head | None
    phases: tuple[Phase, ...]
    policy: Policy
    cache: Caching
    max_memory: int | None
    seed: int
    deterministic: bool = False
    strategy: Any = None

    def __post_init__(self) -> None:
        _check_parts(self.backbone, self.head, self.phases)
        if not isinstance(self.cache, Cache):
            require_one_of("cache", self.cache, ("auto", "never"))
        require_whole("seed", self.seed, least=0)
        require_one_of("deterministic", self.deterministic, (True, False))
        share_of(self.strategy)
        if self.max_memory is not None:
            require_whole("max_memory", self.max_memory, least=0)

    @classmethod
    def of(
        cls,
        backbone: Any,
        head: Head | None,
        phases: Sequence[Any],
        augment: Sequence[Augmentation] | Augmentation | None,
        *,
        cache: Caching,
        max_memory: int | None,
        seed: int,
        deterministic: bool,
        strategy: Any,
    ) -> "Course":
        """Return the course of what a user wrote; None augments by flips."""
        if augment is None:
            augment = augmentation.flip()
        policy = augmentation.compose(augment)
        if isinstance(deterministic, np.bool_):
            deterministic = bool(deterministic)
        settings = policy, cache, max_memory, seed, deterministic, strategy
        return cls(backbone, head, tuple(phases), *settings)

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Set how and on which devices is computed, meanwhile."""
        if self.deterministic and keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            tf.config.experimental.enable_op_determinism()
        with shared(self.strategy):
            yield

    @property
    def share(self) -> Share:
        """Which part of each batch this process learns from."""
        return share_of(self.strategy)

    def network(self, data: Data) -> Network:
        """Return a new network for the classes and the size of the data."""
        classes = data.train.classes
        if self.head is None:
            native = tuple(data.train.shape)
            return from_scratch(
                self.backbone, classes=classes, native=native, seed=self.seed
            )
        return pretrained(
            self.backbone,
            self.head,
            classes=classes,
            size=self.size(data),
            seed=int(self.seed),
        )

    def size(self, data: Data) -> int:
        """Return the side, or the height, in pixels at which the network sees them."""
        if self.head is None:
            return data.train.shape[0]
        return int(self.backbone.size or data.size or self.backbone.spec.recommended)

    def title(self, data: Data) -> str:
        """Return in words what is trained, and at which size."""
        if self.head is None:
            height, width, _ = data.train.shape
            return f"{self.backbone.name} at {width} x {height} pixels, from scratch"
        size = self.size(data)
        return f"{self.backbone.name} at {size} x {size} pixels"

    def provenance(self, data: Data) -> Json:
        """Return how a result came about, as JSON values."""
        return {
            "backbone": None if self.head is None else self.backbone.provenance(),
            "network": self.backbone.name,
            "head": None if self.head is None else str(self.head),
            "size": self.size(data),
            "class_names": list(data.train.class_names),
            "n_train": len(data.train),
            "n_validation": len(data.validation or ()),
            "data_digest": data.digest,
            "augmentation": str(self.policy),
            "phases": [phase.to_dict() for phase in self.phases],
            "seed": int(self.seed),
            "deterministic": self.deterministic,
            **surroundings(),
        }


def _check_parts(backbone: Any, head: Any, phases: Sequence[Any]) -> None:
    if strange := [phase for phase in phases if not isinstance(phase, Phase)]:
        raise InvalidArgument(
            f"Expected phases made by cifarkit.Phase(...); received {strange[0]!r}."
        )
    pair = isinstance(backbone, Backbone) and isinstance(head, Head)
    if not pair and not (isinstance(backbone, keras.Model) and head is None):
        raise InvalidArgument(
            "Expected a backbone and a head, or a whole keras.Model alone; received "
            f"{type(backbone).__name__} and {type(head).__name__}. "
            "See backbones.get(), backbones.wrap(), heads.classifier(), models.cnn()."
        )
    partly = [each for each in phases if each.unfreeze is not None]
    partly += [each for each in phases if not each.train_head]
    partly += [each for each in phases if each.bn_momentum != "auto"]
    if head is None and partly:
        raise InvalidArgument(
            "Expected phases without unfreeze=, train_head= and bn_momentum= for a "
            "network without a backbone, all of which learns from the start; received "
            f"{partly[0]}. Leave them out."
        )
