"""What a look at a network and its data found, as values that print well."""

import re
import textwrap
from dataclasses import asdict, dataclass
from typing import Literal, final, get_args

from cifarkit._errors import InvalidArgument
from cifarkit._types import Json

Severity = Literal["error", "warning", "note"]

_WIDTH = 88
_INDENT = " " * 4


@final
@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Args:
        code: `"CK101"` and so on; the documentation has a paragraph for each.
        severity: `"error"` for what fails or spoils the training, `"warning"` for what
            probably harms it, `"note"` for what is good to know.
        title: what it is, in one line.
        detail: what was found here.
        advice: what to do.

    Raises:
        InvalidArgument: the code or the severity is none, or a text is empty.

    Example:
        >>> Finding("CK112", "note", "Few images", "3 of a cat.", "Add some.").code
        'CK112'
    """

    code: str
    severity: Severity
    title: str
    detail: str
    advice: str

    def __post_init__(self) -> None:
        known = get_args(Severity)
        named = re.fullmatch(r"CK\d{3}", self.code) and self.severity in known
        if not named or not all((self.title, self.detail, self.advice)):
            raise InvalidArgument(
                f"Expected a code such as 'CK101', a severity of {known} and three "
                f"texts; received {self!r}. Say what was found and what to do."
            )

    def __str__(self) -> str:
        lines = [f"{self.code} {self.severity}: {self.title}"]
        for text in (self.detail, f"-> {self.advice}"):
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT
            )
        return "\n".join(lines)

    def to_dict(self) -> Json:
        """Return the fields as JSON values."""
        return asdict(self)


@final
@dataclass(frozen=True)
class Diagnosis:
    """All that was found, the worst first.

    Args:
        findings: in any order; they are sorted by severity, then by code.

    Example:
        >>> print(Diagnosis(()))
        no errors, no warnings, no notes
    """

    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        order = get_args(Severity)
        ranked = sorted(
            self.findings, key=lambda each: (order.index(each.severity), each.code)
        )
        object.__setattr__(self, "findings", tuple(ranked))

    @property
    def ok(self) -> bool:
        """Whether there are neither errors nor warnings."""
        return all(each.severity == "note" for each in self.findings)

    def __str__(self) -> str:
        parts = []
        for severity in get_args(Severity):
            count = sum(each.severity == severity for each in self.findings)
            parts.append(f"{count or 'no'} {severity}{'s' * (count != 1)}")
        return "\n\n".join([", ".join(parts), *map(str, self.findings)])

    def to_dict(self) -> Json:
        """Return whether all is well, and the findings, as JSON values."""
        return {"ok": self.ok, "findings": [each.to_dict() for each in self.findings]}
