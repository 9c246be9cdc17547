"""Results as JSON documents: one document, one `schema` field, nothing that strict JSON does not know."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from pmlcli.errors import PmlError
from pmlcli.escape import json_safe

_VERSION = 1


def schema_of(kind: str) -> str:
    """The value of the `schema` field: `pmlcli/train/1`."""
    return f"pmlcli/{kind}/{_VERSION}"


def document(kind: str, body: Mapping[str, Any]) -> str:
    """The body as an indented JSON document that begins with its `schema`."""
    return _dump({"schema": schema_of(kind), **body}, indent=2)


def error_document(error: PmlError, *, exit_code: int | None = None) -> str:
    """A failure as a document: kind, code, exit_code, message, hint and context under `error`."""
    told = error.to_dict() if exit_code is None else error.to_dict() | {"exit_code": exit_code}
    return document("error", {"error": told})


def line(record: Mapping[str, Any]) -> str:
    """A record as one line of JSON."""
    return _dump(record, indent=None)


def _dump(value: Any, indent: int | None) -> str:
    return json_safe(json.dumps(to_plain(value), indent=indent, ensure_ascii=False, allow_nan=False))


def to_plain(value: Any) -> Any:
    """The value as dicts, lists, text, numbers, booleans and null; not-a-number and infinite become null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return _converted(value)


def _converted(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return to_plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_plain({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, datetime.datetime | datetime.date):
        # pandas' missing time is a datetime that is not equal to itself.
        return value.isoformat() if value == value else None
    if hasattr(value, "tolist"):
        return to_plain(value.tolist())
    return str(value)
