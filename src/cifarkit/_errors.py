"""The error family: everything cifarkit raises on purpose.

    CifarkitError
    ├── InvalidArgument (ValueError)    an argument outside of what is allowed
    │   └── UnknownName (LookupError)   a name that is in no registry
    ├── InvalidData (ValueError)        images, labels or splits that cannot be used
    │   └── InvalidImage                bytes that are not an image we decode
    │       └── UnknownFormat           bytes of none of the formats that we read
    ├── SourceError (OSError)           no source could give the data or the weights
    ├── CorruptFile (OSError)           a file whose content is not what it should be
    ├── WriteError (OSError)            a file that cannot be written; the old one stays
    ├── MissingExtra (ImportError)      an optional dependency that is not installed
    ├── TrainingError (RuntimeError)    training that would give a wrong result
    │   ├── NotFinite                   a loss that is no number any more
    │   └── OutOfMemory (MemoryError)   a step that needs more than the machine has
    ├── ExportError (RuntimeError)      a format that cannot hold a model, or alters it
    ├── Overloaded (RuntimeError)       more work than a service may keep waiting
    └── TooLate (TimeoutError)          an answer that its deadline did not wait for

Each error is also the builtin that a caller would expect, and its text says what was
expected, what was received and what to do.
"""


class CifarkitError(Exception):
    """Base of every error that cifarkit raises on purpose."""


class InvalidArgument(CifarkitError, ValueError):
    """An argument has a value that cannot be meant."""


class UnknownName(InvalidArgument, LookupError):
    """A name is in no registry; the text lists the nearest ones."""


class InvalidData(CifarkitError, ValueError):
    """Images, labels or splits have a shape, type or range that cannot be used."""


class InvalidImage(InvalidData):
    """Bytes or a file are not an image that cifarkit decodes."""


class UnknownFormat(InvalidImage):
    """Bytes or a file are of none of the image formats that cifarkit reads."""


class SourceError(CifarkitError, OSError):
    """No source could give the data or the weights; the text lists every try."""


class CorruptFile(CifarkitError, OSError):
    """A file exists, but its content is not what its digest or format promises."""


class WriteError(CifarkitError, OSError):
    """A file cannot be written; what was there before is unchanged."""


class MissingExtra(CifarkitError, ImportError):
    """An optional dependency is not installed; the text has the pip line."""


class TrainingError(CifarkitError, RuntimeError):
    """Training was stopped because it would have given a wrong result."""


class NotFinite(TrainingError):
    """The loss is no number any more; the text says in which phase, epoch and step.

    Attributes:
        model: the `keras.Model`, with the weights with which this process began that
            epoch.
    """

    model: object = None


class OutOfMemory(TrainingError, MemoryError):
    """A step needs more memory than there is; the text says which setting helps."""


class ExportError(CifarkitError, RuntimeError):
    """A format cannot hold a model, or the exported file gives other answers."""


class Overloaded(CifarkitError, RuntimeError):
    """A service has as much work waiting as it may; try again a little later."""


class TooLate(CifarkitError, TimeoutError):
    """A service had no answer before the deadline; the work was dropped."""
