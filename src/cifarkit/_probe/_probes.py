"""What probes have found: values that print, sort and convert."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import final

from cifarkit import metrics
from cifarkit._errors import InvalidData
from cifarkit._types import Json

_HEADER = (
    f"{'backbone':<17} {'weights':<11} {'size':>4} {'accuracy':>8} {'95% interval':>12}"
    f" {'images/s':>8} {'forecast':>8} {'features':>8} {'MiB':>4}"
)


@final
@dataclass(frozen=True, kw_only=True)
class Probed:
    """A backbone at a size, and what a linear probe of it has found.

    Args:
        backbone: its name.
        weights: the name of its weight set.
        preprocess: what is done to the images first, a mode of `backbones.get`.
        size: side in pixels at which it saw the images.
        right: validation images whose class was predicted.
        scored: validation images in all.
        loss: mean cross-entropy of the validation images, in nats.
        features: how many features an image has.
        nbytes: bytes that the features take where they are kept.
        engine: what computed them, in words.
        images_per_second: of the pass through the frozen network, its preparation
            aside; None if the features were read from disk.
        forecast: seconds that a run of `TwoPhaseTrainer` on all of the images might
            take; None if the pass was not timed.

    Raises:
        InvalidData: more right answers than images, or none of these.
    """

    backbone: str
    weights: str
    preprocess: str
    size: int
    right: int
    scored: int
    loss: float
    features: int
    nbytes: int
    engine: str
    images_per_second: float | None
    forecast: float | None

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.scored or not self.scored:
            raise InvalidData(
                "Expected at least one scored image, and no more right answers; "
                f"received {self.right} right of {self.scored}. probe() makes results."
            )

    @property
    def accuracy(self) -> float:
        """Share of the validation images whose class was predicted, in [0, 1]."""
        return self.right / self.scored

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the accuracy, in [0, 1]."""
        return metrics.wilson_interval(self.right, self.scored)

    def to_dict(self) -> Json:
        """Return all figures, ready for `json.dumps`."""
        derived = {"accuracy": self.accuracy, "interval": list(self.interval)}
        return asdict(self) | derived

    def __str__(self) -> str:
        low, high = (f"{share:.1%}" for share in self.interval)
        rate, seconds = self.images_per_second, self.forecast
        return (
            f"{self.backbone:<17.17} {self.weights:<11.11} {self.size:>4}"
            f" {self.accuracy:>8.2%} {f'{low}-{high}':>12}"
            f" {'kept' if rate is None else f'{rate:,.0f}':>8}"
            f" {'-' if seconds is None else f'{seconds:,.0f} s':>8}"
            f" {self.features:>8,} {self.nbytes / 2**20:>4.1f}"
        )


@final
@dataclass(frozen=True, kw_only=True)
class Probes:
    """The probes of some backbones and sizes, in one table.

    Args:
        results: one for each pair of backbone and size, in any order; they are held
            the most accurate first, of equals the one of lower loss.
        train: training images that the probes were fitted to.
        validation: validation images that they were scored on.
        seed: which training images these were.

    Raises:
        InvalidData: there is no result.
    """

    results: tuple[Probed, ...]
    train: int
    validation: int
    seed: int

    def __post_init__(self) -> None:
        if not self.results:
            raise InvalidData(
                "Expected at least one result; received none. Call probe() for them."
            )
        ranked = sorted(self.results, key=lambda each: (-each.accuracy, each.loss))
        object.__setattr__(self, "results", tuple(ranked))

    @property
    def best(self) -> Probed:
        """The most accurate one."""
        return self.results[0]

    def to_dict(self) -> Json:
        """Return all figures, ready for `json.dumps`."""
        return asdict(self) | {"results": [each.to_dict() for each in self.results]}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield (
            f"linear probes of {self.train:,} training images, scored on "
            f"{self.validation:,} validation images"
        )
        yield _HEADER
        yield from map(str, self.results)
        yield "forecast: two phases on all of the images, by a rule of thumb"
        if any(each.images_per_second is None for each in self.results):
            yield "kept: read from disk, so that nothing was timed"
