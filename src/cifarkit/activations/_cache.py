"""How activations are computed and kept."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from cifarkit._errors import InvalidArgument
from cifarkit._numbers import is_whole
from cifarkit._registry import require_one_of

Dtype = Literal["float32", "float16", "bfloat16", "int8"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Cache:
    """How activations are computed and kept.

    Args:
        dtype: what they are kept in. `"int8"` keeps maps with one scale for each image
            and channel, and vectors in float16.
        precision: what the frozen part computes in. `"bfloat16"` is faster where the
            processor multiplies matrices of it (AMX), and slower elsewhere; it needs
            OpenVINO, and rounds: see `scripts/drift.py`.
        views: how many views of an image are kept where augmentation can make endlessly
            many; None trains live then. Flips need two, and get them.
        disk: whether they are kept in the store, for later runs too. In memory they
            last as long as the training.
        ray: whether they are computed by the workers of a Ray cluster: the one that
            `ray.init` or RAY_ADDRESS names, or one on this machine. What is kept is the
            same; each worker needs the same packages.

    Raises:
        InvalidArgument: a value outside of what is said above.
    """

    dtype: Dtype = "float16"
    precision: Precision = "float32"
    views: int | None = None
    disk: bool = True
    ray: bool = False

    def __post_init__(self) -> None:
        require_one_of("dtype", self.dtype, get_args(Dtype))
        require_one_of("precision", self.precision, get_args(Precision))
        require_one_of("disk", self.disk, (True, False))
        require_one_of("ray", self.ray, (True, False))
        if self.views is None:
            return
        if not is_whole(self.views, least=1) or self.views > 1000:
            raise InvalidArgument(
                "Expected views to be a whole number from 1 to 1000, or None; "
                f"received {self.views!r}."
            )
        object.__setattr__(self, "views", int(self.views))


def cache_of(given: Any) -> Cache:
    """Return a `Cache`, the default one for None.

    Raises:
        InvalidArgument: this is neither.
    """
    if given is not None and not isinstance(given, Cache):
        raise InvalidArgument(
            f"Expected cache to be None or an activations.Cache; received {given!r}."
        )
    return given or Cache()
