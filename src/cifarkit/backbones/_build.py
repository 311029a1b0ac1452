"""A backbone: a spec, one of its weight sets, and an input convention."""

import warnings
from dataclasses import dataclass, field

import keras

from cifarkit import models
from cifarkit._errors import InvalidArgument
from cifarkit._registry import require_known
from cifarkit._types import Json, Layer, Model
from cifarkit.backbones import _preprocess
from cifarkit.backbones._spec import BackboneSpec, WeightSet

INTERPOLATIONS = ("bicubic", "bilinear", "nearest")
"""How images may be resized, by Keras' names."""


@dataclass(frozen=True)
class Backbone:
    """A pretrained network that turns RGB images in [0, 255] into feature maps.

    A value: nothing is built or fetched before `build`. Make one by
    `cifarkit.backbones.get` or `cifarkit.backbones.wrap`.

    Args:
        spec: what is known about the network.
        weights: its weights, with the graph that they belong to.
        preprocess: what is done to the images first (a mode, never `"auto"`).
        size: the only size in pixels that `build` takes; None takes any.
        interpolation: how images are resized for it: one of `INTERPOLATIONS`.
    """

    spec: BackboneSpec
    weights: WeightSet
    preprocess: str
    size: int | None = None
    interpolation: str = "bicubic"
    _filled: Json = field(
        default_factory=lambda: {"source": None, "digest": None},
        init=False,
        repr=False,
        compare=False,
    )

    def __post_init__(self) -> None:
        _preprocess.check(self.preprocess)
        kind, known = "interpolation", INTERPOLATIONS
        require_known(kind, self.interpolation, known, "backbones.get")
        if self.size is not None:
            self.spec.check_size(self.size)
            object.__setattr__(self, "size", int(self.size))

    def __deepcopy__(self, memo: object) -> "Backbone":
        """A value is its own copy: scikit-learn copies what its searches try."""
        return self

    @property
    def name(self) -> str:
        """The name of the backbone and of the models that it builds."""
        return self.spec.name

    def build(self, size: int) -> Model:
        """Build a fresh model with its weights.

        The network is part of one flat functional graph: the input, one preprocessing
        layer whose name starts with `"preprocess"` (none in mode `"raw"`), the body.
        Every layer but the preprocessing one is trainable.

        Args:
            size: height and width of the images, in pixels.

        Returns:
            A `keras.Model` from RGB in [0, 255], shape `(N, size, size, 3)`, to a
            feature map, shape `(N, h, w, features)`.

        Raises:
            InvalidArgument: the size is too small, or not the one fixed before, or
                Keras is set to put channels first.
            SourceError: the weights could not be had.
            CorruptFile: a weights file does not fit the network.

        Example:
            >>> backbones.get("mobilenetv2", weights=None).build(96).output_shape
            (None, 3, 3, 1280)
        """
        self._check(size)
        models.require_channels_last()
        size = int(size)
        image = keras.Input((size, size, 3), name="image")
        features = self.weights.graph(_preprocess.apply(image, self.preprocess)).output
        model = keras.Model(image, features, name=self.name)
        for layer in self.body(model):
            layer.trainable = True
        if self.weights.fill:
            filled = self.weights.fill(model, size)
            self._filled.update(source=filled.source, digest=filled.digest)
        self._warn_of_a_tiny_map(model, size)
        return model

    def body(self, model: Model) -> list[Layer]:
        """Return the layers of a built model, less the input and the preprocessing.

        This is what `unfreeze=` counts, in this order.
        """
        return [
            layer
            for layer in model.layers
            if not isinstance(layer, keras.layers.InputLayer)
            and not _preprocess.is_preprocessing(layer)
        ]

    def block_of(self, layer: str) -> str | None:
        """Return the block to which a layer belongs, None in stem and top."""
        return self.spec.block_of(layer)

    def provenance(self) -> Json:
        """Return what a result must say about its backbone.

        Source and digest are those of the last build; both are None before it, and
        where the weights are random.
        """
        return {
            "backbone": self.name,
            "weights": self.weights.name,
            "licence": self.weights.licence,
            "preprocess": self.preprocess,
            "interpolation": self.interpolation,
            **self._filled,
        }

    def _check(self, size: int) -> None:
        self.spec.check_size(size)
        if self.size not in (None, size):
            raise InvalidArgument(
                f"Expected size {self.size}, which this {self.name} is fixed to; "
                f"received {size}. Make another backbone for another size."
            )

    def _warn_of_a_tiny_map(self, model: Model, size: int) -> None:
        if model.output_shape[1:3] == (1, 1):
            warnings.warn(
                f"{self.name} shrinks {size} x {size} pixels to a single point, so "
                "that nothing is left of where things are. Use a larger size, such as "
                f"{self.spec.recommended}: images are resized in the graph.",
                UserWarning,
                stacklevel=3,
            )
