"""What activations are known by: a digest of all that they follow from."""

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata

import keras
import numpy as np

import cifarkit
from cifarkit._types import Images, Model
from cifarkit.activations._topology import is_of_keras, topology


@dataclass(frozen=True)
class Key:
    """All that activations follow from.

    Args:
        prefix: digest of the layers and the weights of the frozen part. Resize, size
            and preprocessing are layers of it.
        images: digest of the pixels in their order, or of the key of the activations
            that the frozen part goes on from.
        views: the views, in words.
        dtype: what the activations are kept in.
        engine: what computed them, and in which precision.
        versions: of cifarkit, Keras and what computed.
    """

    prefix: str
    images: str
    views: str
    dtype: str
    engine: str = ""
    versions: str = ""

    @property
    def complete(self) -> bool:
        """Whether all of it could be written down; a field that could not is empty."""
        return bool(self.prefix and self.images and self.views)

    @property
    def digest(self) -> str:
        """SHA-256 over all fields, in hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def prefix_digest(prefix: Model) -> str:
    """Return the digest of a model's layers and weights.

    It is empty for a model whose layers cannot be written down, and for one with code
    that is not Keras' own: that may change while its name stays.
    """
    text = _known_by(prefix)
    if not text:
        return ""
    return hashlib.sha256(f"{text} {weights_digest(prefix)}".encode()).hexdigest()


def can_be_known(model: Model) -> bool:
    """Whether a model can be told from all others by what is written of it."""
    return bool(_known_by(model))


def _known_by(model: Model) -> str:
    text = topology(model)
    return text if text and is_of_keras(text) else ""


def weights_digest(model: Model) -> str:
    """Return the digest of a model's weights, their types and their shapes."""
    total = hashlib.sha256()
    for weight in model.get_weights():
        total.update(f"{weight.dtype} {weight.shape}".encode())
        total.update(weight.tobytes())  # bfloat16 gives NumPy no buffer
    return total.hexdigest()


def images_digest(images: Images) -> str:
    """Return the digest of images, their shape and their order."""
    total = hashlib.sha256(f"{images.dtype} {images.shape}".encode())
    total.update(np.ascontiguousarray(images).data)
    return total.hexdigest()


def versions_of(engine: str) -> str:
    """Return the versions of what computes, in words."""
    known = {"cifarkit": cifarkit.__version__, "keras": keras.__version__}
    backend = keras.backend.backend()
    compiler = ("jaxlib",) if backend == "jax" else ()
    for name in dict.fromkeys((backend, *compiler, engine)):
        known[name] = _version(name)
    return ", ".join(f"{name} {version}" for name, version in known.items())


def _version(name: str) -> str:
    for package in (name, f"{name}-cpu"):  # TensorFlow has two names
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"
