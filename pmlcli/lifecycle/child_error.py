"""An error of a confined child as JSON, and as one of our own again, with what this process advises."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from pmlcli import errors
from pmlcli.errors import PmlError
from pmlcli.lifecycle.blame import HINT
from pmlcli.lifecycle.frames import NO_LIMIT, SMALL_FRAME, malformed, parsed
from pmlcli.store import strictjson
from pmlcli.store.findings import FLAT, is_finding

_MAX_TEXT = 4000
_UNUSABLE = errors.PersistenceError.exit_code
KINDS = {
    kind.__name__: kind
    for kind in (
        errors.ValidationError,
        errors.LogError,
        errors.PredictionError,
        errors.PersistenceError,
        errors.DamagedModelError,
        errors.MissingArtifactError,
        errors.IncompatibleVersionError,
        errors.UntrustedArtifactError,
        errors.MissingDependencyError,
    )
}
"""What restoring and asking a model may raise; any other kind from the child is no answer, and of these
only the asking process says which it believes."""
_HINTS = {
    "model.untrusted": "do not use this model",
    "prediction.memory": NO_LIMIT,
    "prediction.failed": HINT,
}
"""By code, what to do about an error that the child tells. Never in the child's words: they would read as
pmlcli's own advice."""


def as_json(error: PmlError) -> dict[str, Any]:
    """The error as JSON, its texts cut to a length that the parent takes."""
    notes = "\n".join(getattr(error, "__notes__", ()))
    found = {"kind": type(error).__name__, "code": error.code, "message": error.message}
    texts = {name: _clean(text)[:_MAX_TEXT] for name, text in found.items()}
    return {**texts, "notes": _clean(notes)[-_MAX_TEXT:], "context": _plain(error.context)}


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> Any:
    """The context as far as it is JSON-plain and small; nothing of it otherwise."""
    try:
        data = strictjson.dump(value)
        strictjson.parse(data, source="context", max_bytes=SMALL_FRAME // 2)
    except PmlError:
        return {}
    return value


def from_json(payload: bytes) -> PmlError:
    """The child's error, of one of our own kinds."""
    match parsed(payload):
        case {
            "kind": str() as kind,
            "code": str() as code,
            "message": str() as message,
            "notes": str() as notes,
            "context": dict() as context,
        } if kind in KINDS:
            error = KINDS[kind].__new__(KINDS[kind])
            kept = _checked_context(context)
            PmlError.__init__(error, message, hint=_hint(kind, code, kept), code=code, context=kept)
            if notes:
                error.add_note(notes)
            return error
    return malformed("an error of another form")


def _hint(kind: str, code: str, context: Mapping[str, Any]) -> str | None:
    """What this process says is to be done about an error of the child."""
    if kind == errors.MissingDependencyError.__name__:
        extra = context.get("extra")
        return f"pip install 'pmlcli[{extra}]'" if extra in _extras() else None
    is_of_model = issubclass(KINDS[kind], errors.DamagedModelError) or KINDS[kind].exit_code == _UNUSABLE
    usual = HINT if is_of_model else None
    return _HINTS.get(code, usual)


def _extras() -> list[str]:
    try:
        return metadata("pmlcli").get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return []


def _checked_context(context: dict[str, Any]) -> dict[str, Any]:
    """The context as far as its values are flat, and its findings when each of them is one."""
    kept: dict[str, Any] = {name: value for name, value in context.items() if isinstance(value, FLAT)}
    kept.pop("failed_hooks", None)  # hooks run in the parent, and only it tells of them
    findings = context.get("findings")
    if isinstance(findings, list) and all(map(is_finding, findings)):
        kept["findings"] = findings
    return kept
