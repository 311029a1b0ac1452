"""A recipe: everything that makes a published result, as one frozen value."""

from dataclasses import dataclass, replace
from typing import Any, Literal, final, get_args

from cifarkit import backbones, models
from cifarkit._errors import InvalidArgument
from cifarkit._numbers import require_whole
from cifarkit._registry import require_one_of
from cifarkit.augment import Augmentation, compose
from cifarkit.datasets import Splits
from cifarkit.evaluation import Evaluation, evaluate
from cifarkit.heads import Head
from cifarkit.recipes._claim import Claim
from cifarkit.recipes._images import Images
from cifarkit.training import Phase, TrainResult, TwoPhaseTrainer

Variant = Literal["as_published", "fixed", "best"]
"""As the project states it, with its flaw removed, or our way."""

_SHORT = "shortened: fewer images or epochs than the recipe has"


@final
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One model of a published project, ready to print, to change and to run.

    Change it with `dataclasses.replace(recipe, weights=..., phase_2=...)`.

    Args:
        name: of the model, such as `"s0-mobilenetv2-frozen"`.
        variant: `"as_published"` keeps a flaw of the protocol; `"fixed"` removes it and
            nothing else; `"best"` is our way with the same network and images.
        system: the project, S0 to S4, or `"ours"`.
        claimed: what the project reported.
        images: what is learnt from, chosen by, and looked at in the end.
        network: a backbone's name, beside a head; or that of a network of `models.cnn`.
        head: on the backbone; None for a network that is trained from scratch.
        weights: of the backbone, as in `backbones.get`.
        preprocess: of the backbone, as in `backbones.get`.
        interpolation: of the backbone, as in `backbones.get`.
        phase_1: the first phase.
        phase_2: the second phase, or None.
        augment: augmentations of the training images.
        assumed: settings that the project does not state, and that were chosen here.
        notes: flaws that are kept or removed, and what differs from the project.

    Raises:
        InvalidArgument: an unknown variant; a head, or settings of a backbone, beside
            a network from scratch.

    Example:
        >>> from cifarkit import recipes
        >>> recipe = recipes.get("s3-baseline", "as_published")
        >>> recipe.images.train, recipe.claimed.accuracy
        (40000, 0.7866)
    """

    name: str
    variant: Variant
    system: str
    claimed: Claim
    images: Images
    network: str
    head: Head | None = None
    weights: Any = "imagenet"
    preprocess: str = "auto"
    interpolation: str = "bicubic"
    phase_1: Phase
    phase_2: Phase | None = None
    augment: tuple[Augmentation, ...] = ()
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_one_of("variant", self.variant, get_args(Variant))
        if (self.head is None) != (self.network in models.names()):
            raise InvalidArgument(
                "Expected a backbone and a head, or a network of models.names() alone; "
                f"received network={self.network!r} and head={self.head!r}."
            )
        others = self.preprocess, self.interpolation
        plain = self.weights in (None, "imagenet") and others == ("auto", "bicubic")
        if self.head is None and not plain:
            raise InvalidArgument(
                "Expected no weights, preprocess or interpolation for a network that "
                f"is trained from scratch; received {(self.weights, *others)!r}. Leave "
                "them out."
            )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known of a result: what was assumed, and the notes."""
        return (*(f"Assumed: {each}." for each in self.assumed), *self.notes)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in order."""
        return tuple(phase for phase in (self.phase_1, self.phase_2) if phase)

    def limited(
        self, *, epochs: int | None = None, images: int | None = None
    ) -> "Recipe":
        """Return the recipe for a quick look: fewer epochs, fewer images.

        Args:
            epochs: the most of each phase, or None.
            images: the most in each split, or None.

        Raises:
            InvalidArgument: one of them is below 1.
        """
        given = self.images if images is None else self.images.limited(images)
        first, second = self.phase_1, self.phase_2
        if epochs is not None:
            require_whole("epochs", epochs)
            first = _shortened(first, epochs)
            second = second and _shortened(second, epochs)
        short = replace(self, images=given, phase_1=first, phase_2=second)
        return self if short == self else replace(short, notes=(*self.notes, _SHORT))

    def data(self, *, seed: int = 0) -> Splits:
        """Return the images of the recipe.

        Args:
            seed: of the draw.
        """
        return self.images.load(seed)

    def trainer(
        self, data: Splits, *, seed: int = 0, **options: Any
    ) -> TwoPhaseTrainer:
        """Return what trains the recipe's network.

        Args:
            data: what it will learn from: it says how many classes there are.
            seed: of the first weights, the order of the images and the augmentation.
            options: others of `TwoPhaseTrainer`, such as `verbose`.
        """
        return TwoPhaseTrainer(
            self._network(data, seed),
            self.head,
            phase_1=self.phase_1,
            phase_2=self.phase_2,
            augment=self.augment,
            seed=seed,
            **options,
        )

    def run(
        self,
        data: Splits | None = None,
        *,
        seed: int = 0,
        run_dir: Any = None,
        callbacks: tuple[Any, ...] = (),
        **options: Any,
    ) -> tuple[TrainResult, Evaluation]:
        """Train by the recipe; then look at the test images once.

        Args:
            data: images of your own, all of them; None for those of the recipe. A
                backbone sees them at the recipe's size, whatever their own `size`.
            seed: of the draw of the images, and as in `trainer`.
            run_dir: as in `TwoPhaseTrainer.fit`: a folder from which a stopped run goes
                on.
            callbacks: Keras callbacks, used in every phase.
            options: others of `TwoPhaseTrainer`, such as `verbose`.

        Raises:
            InvalidArgument: `data` are no `Splits` with test images, or not square
                where the network is trained from scratch.

        Example:
            >>> result, evaluation = recipe.run()                # doctest: +SKIP
        """
        given = self.data(seed=seed) if data is None else data
        self._check(given)
        trainer = self.trainer(given, seed=seed, **options)
        result = trainer.fit(given, run_dir=run_dir, callbacks=callbacks)
        return result, evaluate(result.model, given.test)

    def __str__(self) -> str:
        augmentation = str(compose(self.augment))
        rows = {
            "claimed": str(self.claimed),
            "images": str(self.images),
            "network": self._described(),
            **{f"phase {n}": _words(p) for n, p in enumerate(self.phases, start=1)},
            "augmentation": augmentation,
            "assumed": "; ".join(self.assumed) or "nothing",
            "notes": "; ".join(self.notes) or "none",
        }
        lines = [f"  {name}: {words}" for name, words in rows.items()]
        return "\n".join([f"{self.name}, {self.variant} ({self.system})", *lines])

    def _described(self) -> str:
        if self.head is None:
            return f"{self.network}, from scratch"
        return (
            f"{self.network}, {self.weights} weights, {self.preprocess} input, "
            f"{self.interpolation} resize; {self.head}"
        )

    def _check(self, data: Any) -> None:
        """Refuse at once what would only fail after the training."""
        if not isinstance(data, Splits) or not len(data.test):
            raise InvalidArgument(
                "Expected Splits with test images, which a recipe is judged by; "
                f"received {data!r:.200}. See datasets.from_folder and from_arrays."
            )
        height, width = data.train.images.shape[1:3]
        if self.head is None and height != width:
            raise InvalidArgument(
                f"Expected square images for {self.network!r}, which is trained from "
                f"scratch; received {width} x {height}. Resize them first."
            )
        if self.head is None and data.test.images.shape[1:3] != (height, width):
            tested = data.test.images.shape[1:3]
            raise InvalidArgument(
                f"Expected test images of {width} x {height}, as in training; received "
                f"{tested[1]} x {tested[0]}. Resize them first."
            )

    def _network(self, data: Splits, seed: int) -> Any:
        if self.head is None:
            classes, side = len(data.train.class_names), data.train.images.shape[1]
            return models.cnn(self.network, classes=classes, size=side, seed=seed)
        return backbones.get(
            self.network,
            weights=self.weights,
            size=self.images.size,
            preprocess=self.preprocess,
            interpolation=self.interpolation,
        )


def _shortened(phase: Phase, epochs: int) -> Phase:
    return replace(phase, epochs=min(phase.epochs, epochs))


def _words(phase: Phase) -> str:
    """Return what differs from the defaults of a phase, and its first settings."""
    plain = Phase().to_dict()
    told = {"optimizer"}
    if not phase.solved:  # to the optimum of a head there are no epochs
        told |= {"epochs", "learning_rate", "schedule", "batch_size"}
    return ", ".join(
        f"{name} {value}"
        for name, value in phase.to_dict().items()
        if name in told or value != plain[name]
    )
