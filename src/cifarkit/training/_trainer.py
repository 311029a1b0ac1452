"""The main job: adapt a pretrained network in two phases."""

import logging
from collections.abc import Sequence
from typing import Any, final, get_args

import keras

from cifarkit import augment as augmentation
from cifarkit._errors import InvalidArgument
from cifarkit._types import Json
from cifarkit.augment import Augmentation, Policy
from cifarkit.backbones import Backbone
from cifarkit.heads import Head
from cifarkit.training import _network, _running
from cifarkit.training._ahead import Ahead, Cache
from cifarkit.training._inputs import Data, data_of
from cifarkit.training._network import Network
from cifarkit.training._numbers import require_whole
from cifarkit.training._phase import Phase
from cifarkit.training._plan import Plan, phase_plan
from cifarkit.training._provenance import surroundings
from cifarkit.training._result import PhaseResult, TrainResult, better
from cifarkit.training._stage import Stage
from cifarkit.training._timing import seconds_per_epoch

PHASE_1 = Phase(epochs=2, learning_rate=2e-3)
"""The head alone, on a frozen backbone."""

PHASE_2 = Phase(
    epochs=4,
    learning_rate=1e-3,
    unfreeze=50,
    batch_norm="tuned",
    label_smoothing=0.1,
    weight_decay=0.02,
)
"""The head and the last blocks of the backbone."""

_log = logging.getLogger(__name__)


@final
class TwoPhaseTrainer:
    """Adapts a pretrained backbone to new classes in two phases.

    Phase 1 trains the head on a frozen backbone, so that the random head cannot harm
    the pretrained weights; phase 2 unfreezes what is asked and tunes it (Howard and
    Ruder 2018; Kumar et al. 2022). The better phase on the validation images is kept.

    Args:
        backbone: from `backbones.get` or `backbones.wrap`; or a whole `keras.Model`
            from `models.cnn`, which is trained from scratch and has no head.
        head: from `heads.classifier` or `heads.linear`; None for a whole network.
        phase_1: the first phase.
        phase_2: the second phase, or None to train in one. The default is None for a
            whole network.
        augment: augmentations of the training images, at native size. None is the
            recommended choice, which is `augment.flip()`; `()` is none at all.
        cache: `"auto"` runs frozen parts once, before a phase, where that is exact
            (no augmentation, or flips) and fits into memory; `"never"` trains live.
        max_memory: bytes that may be kept for this; None is half of what is free.
        seed: what the head's start, the order of the images and the augmentation
            follow from. Dropout inside of a backbone of your own has its own seed.
        verbose: 0 is silent, 1 shows progress bars, 2 a line per epoch; `"auto"` shows
            bars on a terminal and lines elsewhere.

    Raises:
        InvalidArgument: the parts do not fit together.

    Example:
        >>> trainer = TwoPhaseTrainer(backbones.get("mobilenetv2"), heads.classifier())
        >>> result = trainer.fit(datasets.cifar10(size=160))  # doctest: +SKIP
    """

    def __init__(
        self,
        backbone: Any,
        head: Head | None = None,
        *,
        phase_1: Phase = PHASE_1,
        phase_2: Phase | None = PHASE_2,
        augment: Sequence[Augmentation] | Augmentation | None = None,
        cache: Cache = "auto",
        max_memory: int | None = None,
        seed: int = 0,
        verbose: _running.Verbose = "auto",
    ) -> None:
        if head is None and phase_2 is PHASE_2:
            phase_2 = None
        phases = (phase_1,) if phase_2 is None else (phase_1, phase_2)
        _check_parts(backbone, head, phases)
        self.backbone, self.head, self.phases = backbone, head, phases
        require_whole("seed", seed, least=0)
        self.seed, self.verbose = int(seed), _checked(verbose, _running.Verbose)
        self.policy = _policy(augment)
        if max_memory is not None:
            require_whole("max_memory", max_memory, least=0)
        self.cache, self.max_memory = _checked(cache, Cache), max_memory

    def plan(self, data: Any, *, validation: Any = None, timed: bool = False) -> Plan:
        """Return what `fit` would do with these data, without doing it.

        Args:
            data: as in `fit`.
            validation: as in `fit`.
            timed: whether to run 20 steps of each phase on a throw-away network, and
                to forecast the time of an epoch from them.

        Example:
            >>> print(trainer.plan(data))  # doctest: +SKIP
        """
        given = data_of(data, validation)
        network = self._build(given)
        self._rehearse(network, given)
        ahead = self._ahead(network, given)
        plans = []
        for index, phase in enumerate(self.phases):
            seconds = self._seconds(network, phase, given) if timed else None
            mask = _running.prepare(network, phase)
            how = ahead.describe(index)
            plans.append(phase_plan(network, phase, mask, given, how, seconds))
        return Plan(
            title=self._title(given),
            images=(len(given.train), len(given.validation or ())),
            classes=given.train.classes,
            augmentation=str(self.policy),
            phases=tuple(plans),
        )

    def fit(
        self, data: Any, *, validation: Any = None, callbacks: Sequence[Any] = ()
    ) -> TrainResult:
        """Train in the phases of this trainer, from the pretrained weights each time.

        Args:
            data: `Splits`; or `(images, labels)`, images uint8 RGB `(N, H, W, 3)`; or a
                batched, ending `tf.data.Dataset` of such pairs, RGB in [0, 255].
            validation: a pair or a data set, where `data` are not `Splits`.
            callbacks: Keras callbacks, used in every phase. What they save is the
                network without its training-only parts.

        Returns:
            The model of the better phase, and the record of both.

        Raises:
            InvalidArgument: settings that do not fit the data or the backbone.
            InvalidData: data that cannot be used.
            TrainingError: training that would give a wrong result.
        """
        given = data_of(data, validation)
        network = self._build(given)
        self._rehearse(network, given)
        ahead = self._ahead(network, given)
        results = tuple(
            self._run(network, number, ahead.stage(number - 1), callbacks)
            for number in range(1, len(self.phases) + 1)
        )
        kept = better(results)
        network.model.set_weights(results[kept].weights)
        return TrainResult(network.model, results, kept, self._provenance(given))

    def _run(
        self,
        network: Network,
        number: int,
        stage: Stage,
        callbacks: Sequence[Any],
    ) -> PhaseResult:
        _log.info("Phase %d of %d begins.", number, len(self.phases))
        return _running.run(
            network,
            stage,
            self.phases[number - 1],
            seed=self.seed,
            number=number,
            callbacks=callbacks or (),
            verbose=self.verbose,
        )

    def _rehearse(self, network: Network, data: Data) -> None:
        for phase in self.phases:
            _running.rehearse(network, phase, data, self.policy)

    def _ahead(self, network: Network, data: Data) -> Ahead:
        return Ahead(
            network,
            self.phases,
            data,
            self.policy,
            cache=self.cache,
            max_memory=self.max_memory,
        )

    def _seconds(self, network: Network, phase: Phase, data: Data) -> float:
        stage = Stage(network.model, data, self.policy)
        return seconds_per_epoch(network, stage, phase)

    def _build(self, data: Data) -> Network:
        classes = data.train.classes
        if self.head is None:
            return _network.from_scratch(self.backbone, classes=classes)
        return _network.pretrained(
            self.backbone,
            self.head,
            classes=classes,
            size=self._size(data),
            seed=self.seed,
        )

    def _size(self, data: Data) -> int:
        return int(self.backbone.size or data.size or self.backbone.spec.recommended)

    def _title(self, data: Data) -> str:
        if self.head is None:
            return f"{self.backbone.name}, from scratch"
        size = self._size(data)
        return f"{self.backbone.name} at {size} x {size} pixels"

    def _provenance(self, data: Data) -> Json:
        pretrained = self.head is not None
        return {
            "backbone": self.backbone.provenance() if pretrained else None,
            "network": self.backbone.name,
            "head": None if self.head is None else str(self.head),
            "size": self._size(data) if pretrained else data.train.shape[0],
            "class_names": list(data.class_names),
            "n_train": len(data.train),
            "n_validation": len(data.validation or ()),
            "data_digest": data.digest,
            "augmentation": str(self.policy),
            "phases": [phase.to_dict() for phase in self.phases],
            "seed": self.seed,
            **surroundings(),
        }


def _policy(augment: Sequence[Augmentation] | Augmentation | None) -> Policy:
    if augment is None:
        return augmentation.compose([augmentation.flip()])
    items = [augment] if isinstance(augment, Augmentation) else list(augment)
    return augmentation.compose(items)


def _checked(value: Any, kind: Any) -> Any:
    """Return a value if it is one of a `Literal`'s."""
    if value not in get_args(kind):
        known = ", ".join(map(repr, get_args(kind)))
        raise InvalidArgument(f"Expected one of {known}; received {value!r}.")
    return value


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
    if head is None and any(phase.unfreeze is not None for phase in phases):
        raise InvalidArgument(
            "Expected unfreeze=None for a network without a backbone, all of which "
            "learns from the start; leave unfreeze out of its phases."
        )
