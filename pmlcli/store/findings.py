"""What a check found wrong with a model directory, and how a list of it becomes one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pmlcli.errors import DamagedModelError, PersistenceError

_SHOWN_IN_MESSAGE = 3
_MAX_TEXT = 120
FLAT = (str, int, float, bool, type(None))
"""The types of JSON's values that hold no others."""
_CONTAINERS: dict[type, str] = {dict: "an object", list: "a list", tuple: "a tuple"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be: where, what was expected, what was found."""

    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"

    def to_dict(self) -> dict[str, str]:
        """The finding as a JSON-plain dict: what, expected, found."""
        return asdict(self)


def is_finding(value: Any) -> bool:
    """Whether a value from elsewhere is a finding as a dict: what, expected and found, all flat."""
    wanted = {"what", "expected", "found"}
    return (
        isinstance(value, dict)
        and value.keys() == wanted
        and all(isinstance(one, FLAT) for one in value.values())
    )


def shown(value: object) -> str:
    """A short, printable form of a value that was read from an untrusted file.

    Only flat values are shown: a container may hold itself, often, and its text then has no end. `ascii`
    escapes control and bidirectional characters, so the text cannot steer a terminal.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    if type(value) in _CONTAINERS:
        return f"{_CONTAINERS[type(value)]} of {len(value)}"  # type: ignore[arg-type]
    if type(value) not in (str, bytes, int, float, bool, type(None)):
        return f"something of type {type(value).__name__[:_MAX_TEXT]}"
    text = ascii(value[:_MAX_TEXT] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "..."


def refusal(
    subject: str,
    findings: Sequence[Finding],
    *,
    error: type[PersistenceError] = DamagedModelError,
    hint: str | None = None,
) -> PersistenceError:
    """The error that refuses `subject`: all of them in the context, the first few in the message."""
    listed = "; ".join(str(finding) for finding in findings[:_SHOWN_IN_MESSAGE])
    more = len(findings) - _SHOWN_IN_MESSAGE
    suffix = f" (and {more} more)" if more > 0 else ""
    context = {"findings": [finding.to_dict() for finding in findings]}
    return error(f"{subject}: {listed}{suffix}", hint=hint, context=context)
