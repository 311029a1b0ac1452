"""The main job: adapt a pretrained network in two phases."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final, get_args

from cifarkit import models
from cifarkit._checkpoints import Checkpoint
from cifarkit._errors import InvalidArgument
from cifarkit._registry import require_one_of
from cifarkit.augment import Augmentation
from cifarkit.heads import Head
from cifarkit.training import _running
from cifarkit.training._ahead import Ahead
from cifarkit.training._callbacks import check_callbacks
from cifarkit.training._course import Course
from cifarkit.training._identity import identity
from cifarkit.training._inputs import Data, data_of
from cifarkit.training._keeping import Keeping
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase
from cifarkit.training._plan import Plan
from cifarkit.training._planning import plan_of, rehearse
from cifarkit.training._preparing import release
from cifarkit.training._result import PhaseResult, TrainResult, better
from cifarkit.training._run import Run, opened, origins_of
from cifarkit.training._stage import Caching
from cifarkit.training._watching import tell

PHASE_1 = Phase(epochs=2, learning_rate=2e-3)
"""The head alone, on a frozen backbone."""

PHASE_2 = Phase(
    epochs=3,
    learning_rate=5e-4,
    unfreeze=0.59,
    batch_norm="tuned",
    label_smoothing=0.1,
    weight_decay=0.02,
)
"""The head and the last blocks of the backbone."""


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
            (no augmentation, or flips), saves time, and fits on disk or into memory;
            `"never"` trains live; an `activations.Cache` says how they are kept, and
            how many views of other augmentations.
        max_memory: bytes of them that may be held in memory where the disk has no
            room; what fits nowhere is computed live. None is half of what is free.
        deterministic: whether TensorFlow may only compute in ways that give the same
            bits each time. On a CPU it mostly does so anyway; on a GPU it costs time.
            It is then so for the whole process, from the first `fit` on.
        strategy: which devices share the training: a `tf.distribute.MirroredStrategy`
            on TensorFlow, a `keras.distribution.DataParallel` on JAX. Each batch is
            divided among them; what is left over of one is left out.
        seed: what the head's start, the order of the images and the augmentation
            follow from, and dropout in layers without a seed of their own.
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
        cache: Caching = "auto",
        max_memory: int | None = None,
        seed: int = 0,
        deterministic: bool = False,
        strategy: Any = None,
        verbose: _running.Verbose = "auto",
    ) -> None:
        alone = phase_2 is None or (head is None and phase_2 is PHASE_2)
        phases = (phase_1,) if alone else (phase_1, phase_2)
        self.course = Course.of(
            backbone,
            head,
            phases,
            augment,
            cache=cache,
            max_memory=max_memory,
            seed=seed,
            deterministic=deterministic,
            strategy=strategy,
        )
        require_one_of("verbose", verbose, get_args(_running.Verbose))
        self.verbose = verbose

    def plan(self, data: Any, *, validation: Any = None, timed: bool = False) -> Plan:
        """Return what `fit` would do with these data, without doing it.

        Args:
            data: as in `fit`.
            validation: as in `fit`.
            timed: whether to run 20 steps of each phase on a throw-away network, live
                and as if its activations were kept, a few batches of the frozen part,
                and to forecast the time of the phase from them.

        Raises:
            InvalidArgument: settings that do not fit the data or the backbone.
            InvalidData: data that cannot be used.

        Example:
            >>> print(trainer.plan(data))  # doctest: +SKIP
        """
        return plan_of(
            self.course, data_of(data, validation, self.course.share), timed=timed
        )

    def fit(
        self,
        data: Any,
        *,
        validation: Any = None,
        run_dir: str | Path | None = None,
        callbacks: Sequence[Any] = (),
    ) -> TrainResult:
        """Train in the phases of this trainer, from the pretrained weights each time.

        Args:
            data: `Splits`; or `(images, labels)`, images uint8 RGB `(N, H, W, 3)`; or a
                batched, ending `tf.data.Dataset` of such pairs, RGB in [0, 255].
            validation: a pair or a data set, where `data` are not `Splits`.
            run_dir: a folder in which the training is kept every half minute or so, and
                on SIGTERM and Ctrl-C. The same call again goes on from there, and ends
                with the same weights as if it had never been stopped; after the end it
                gives the same result at once. None keeps nothing.
            callbacks: Keras callbacks, used in every phase. What they save is the
                network without its training-only parts. What early stopping, plateau
                and checkpoint callbacks remember is kept in `run_dir`; one of your own
                lists what it wants kept, numbers or text, as `remembered = ("name",)`;
                its `on_phase_begin(number, history)`, if it has one, is called before
                each phase with what an earlier process did of it.

        Returns:
            The model of the better phase, and the record of both.

        Raises:
            InvalidArgument: settings that do not fit the data or the backbone.
            InvalidData: data that cannot be used.
            NotFinite: the loss is no number; the error has the last good model.
            OutOfMemory: a step needs more memory than there is.
            TrainingError: training that would give a wrong result, or another process
                trains in `run_dir`.
            SourceError: no source has the backbone's weights.
            CorruptFile: what `run_dir` holds is of another network.
            WriteError: `run_dir` cannot be written; what it held before is whole.
        """
        course = self.course
        given = data_of(data, validation, course.share)
        check_callbacks(callbacks, course, run_dir=run_dir)
        _check_run_dir(run_dir, course)
        with course.begun():
            network, results = self._trained(given, run_dir, callbacks or ())
        kept = better(results)
        weights = results[kept - 1].weights
        model = network.model
        if course.strategy is None:
            model.set_weights(weights)
        else:  # its variables belong to the devices of the strategy
            model = models.copy_of(model, weights)
        self._say(f"kept: phase {kept}")
        return TrainResult(model, tuple(results), kept, course.provenance(given))

    def _trained(
        self, given: Data, run_dir: Any, callbacks: Sequence[Any]
    ) -> tuple[Network, list[PhaseResult]]:
        """Run all phases; return the network, and what each phase gave."""
        course = self.course
        network = course.network(given)
        rehearse(network, course, given)
        about = {} if run_dir is None else identity(course, given, network)
        with opened(run_dir, about) as run:
            states = [run.newest(number) for number, _ in enumerate(course.phases, 1)]
            ahead = Ahead(network, course, given, origins_of(states))
            results = [
                self._phase(number, network, ahead, run, newest, callbacks)
                for number, newest in enumerate(states, start=1)
            ]
        release(network)
        return network, results

    def _phase(
        self,
        number: int,
        network: Network,
        ahead: Ahead,
        run: Run,
        newest: Checkpoint | None,
        callbacks: Sequence[Any],
    ) -> PhaseResult:
        """Run a phase, or what is left of it; or return what it gave before."""
        if done := run.restored(newest, network, callbacks):
            self._say(f"phase {number}, finished before")
            tell(callbacks, number, done.history)
            return done
        course, index = self.course, number - 1
        self._say(f"phase {number}, {ahead.describe(index)}")
        stage = ahead.stage(index)
        run.check_engine(newest, stage.engine)
        if newest:  # what earlier processes have spent on the frozen part counts too
            spent = newest.record.get("features", 0.0)
            stage = replace(stage, seconds=stage.seconds + spent)
        about = {
            "identity": run.identity,
            "origins": list(ahead.origins),
            "engine": stage.engine,
            "features": stage.seconds,
        }
        result = _running.run(
            network,
            stage,
            course.phases[index],
            seed=course.seed,
            number=number,
            callbacks=callbacks,
            verbose=self.verbose,
            keeping=Keeping(run.checkpoints(number), about, newest),
        )
        run.finish(number, result, network, callbacks, about)
        return result

    def _say(self, line: str) -> None:
        if self.verbose:
            print(line, flush=True)


def _check_run_dir(run_dir: Any, course: Course) -> None:
    if run_dir is not None and course.share.processes > 1:
        raise InvalidArgument(
            "Expected run_dir=None where several processes train together, which "
            f"could not go on from one step; received {run_dir!r}. Leave it out."
        )
