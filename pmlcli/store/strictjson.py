"""JSON as pmlcli writes it, and a reader that refuses what Python's own lets through.

Python's `json` keeps the last of two equal keys, accepts NaN, turns 1e999 into infinity, keeps lone
surrogates, and fails on deep brackets and long digits with errors of other kinds. A model directory
comes from outside, so each of these is a `DamagedModelError` that says where.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from pmlcli.errors import DamagedModelError, PersistenceError
from pmlcli.store.findings import shown

MAX_DEPTH = 64
MAX_INTEGER_DIGITS = 64
MAX_ITEMS = 2_000_000

# Possessive, so an unclosed string of backslashes cannot make the search quadratic.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse(
    data: bytes, *, source: str, max_bytes: int, max_items: int = MAX_ITEMS, check_numbers: bool = True
) -> Any:
    """The value that JSON `data` holds; `source` names the file in errors.

    `max_items` bounds the commas, and so what the values can take in memory. `check_numbers=False` skips
    the check of every number, for files whose structure is checked anyway and where a call per number
    would cost more than the parsing.
    """
    if len(data) > max_bytes:
        raise _refuse(source, f"{len(data)} bytes, more than {max_bytes}")
    if data.count(b",") > max_items:
        raise _refuse(source, f"more than {max_items} items")
    _refuse_depth(data, source)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse(source, f"not UTF-8 at byte {error.start}") from error
    if text.startswith("\ufeff"):
        raise _refuse(source, "begins with a byte order mark")
    return _decode(text, source, check_numbers=check_numbers)


def dump(value: object) -> bytes:
    """`value` as canonical JSON bytes: sorted keys, indent 2, ASCII, a newline at the end.

    Raises `PersistenceError` when it holds NaN, infinity, or anything JSON does not know.
    """
    try:
        text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PersistenceError(f"cannot be written as JSON: {error}") from error
    return text.encode("ascii") + b"\n"


def _refuse(source: str, what: str) -> DamagedModelError:
    return DamagedModelError(f"{source}: invalid JSON: {what}", context={"path": source})


def _refuse_depth(data: bytes, source: str) -> None:
    """Refuse deep nesting and endless tokens before the parser sees them, so no recursion limit matters."""
    depth = 0
    for count, match in enumerate(_STRING_OR_BRACKET.finditer(data)):
        if count > 2 * MAX_ITEMS:
            raise _refuse(source, f"more than {2 * MAX_ITEMS} texts and brackets")
        first = data[match.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _refuse(source, f"nested deeper than {MAX_DEPTH} at byte {match.start()}")
        elif first in b"]}":
            depth -= 1


def _decode(text: str, source: str, *, check_numbers: bool) -> Any:
    hooks = _Hooks(source)
    try:
        value = json.loads(
            text,
            object_pairs_hook=hooks.unique,
            parse_constant=hooks.constant,
            parse_int=hooks.integer if check_numbers else None,
            parse_float=hooks.real if check_numbers else None,
        )
    except json.JSONDecodeError as error:
        raise _refuse(source, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise _refuse(source, str(error)) from error
    if re.search(r"\\u[dD][89a-fA-F]", text):
        _refuse_lone_surrogates(value, source)
    return value


class _Hooks:
    """What the parser calls for each object and number."""

    def __init__(self, source: str) -> None:
        self.source = source

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
            raise _refuse(self.source, f"key {shown(twice)} is given twice")
        return result

    def constant(self, name: str) -> Any:
        raise _refuse(self.source, f"{name} is not a number")

    def integer(self, digits: str) -> int:
        if len(digits) > MAX_INTEGER_DIGITS:
            raise _refuse(self.source, f"a number of {len(digits)} digits")
        return int(digits)

    def real(self, digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            raise _refuse(self.source, f"number {shown(digits)} is too large")
        return number


def _refuse_lone_surrogates(value: object, source: str) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str) and any("\ud800" <= character <= "\udfff" for character in item):
            raise _refuse(source, f"half a surrogate pair in {shown(item)}")
