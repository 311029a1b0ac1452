"""Every error that cifarkit raises on purpose, to be caught by name.

Each is a `CifarkitError`, and the builtin that a caller would expect. Its text says
what was expected, what was received and what to do.
"""

from cifarkit._errors import (
    CifarkitError,
    CorruptFile,
    ExportError,
    InvalidArgument,
    InvalidData,
    InvalidImage,
    MissingExtra,
    NotFinite,
    OutOfMemory,
    Overloaded,
    SourceError,
    TooLate,
    TrainingError,
    UnknownFormat,
    UnknownName,
    WriteError,
)

__all__ = [
    "CifarkitError",
    "CorruptFile",
    "ExportError",
    "InvalidArgument",
    "InvalidData",
    "InvalidImage",
    "MissingExtra",
    "NotFinite",
    "OutOfMemory",
    "Overloaded",
    "SourceError",
    "TooLate",
    "TrainingError",
    "UnknownFormat",
    "UnknownName",
    "WriteError",
]
