"""Text from a log made safe to show: nothing in an activity's name may steer a terminal or a spreadsheet."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, lone surrogates, line and paragraph separators, zero-width and bidirectional marks.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

FORMULA_START = r"^[=+\-@\t\r]"
"""What a spreadsheet runs: a cell that begins so is a formula, or is read as one."""

PLAIN_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_FORMULA_START = re.compile(FORMULA_START)
_PLAIN_NUMBER = re.compile(PLAIN_NUMBER)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def visible(text: object) -> str:
    """The text with control, bidirectional and other invisible characters as `\\x1b`, `\\u202e`, ..."""
    return _UNSAFE.sub(_escaped, str(text))


def json_safe(document: str) -> str:
    """A JSON document with unsafe characters as JSON's own escapes; it still parses to the same values."""
    return _UNSAFE.sub(lambda m: m.group() if m.group() == "\n" else f"\\u{ord(m.group()):04x}", document)


def formula_safe(cell: str) -> str:
    """A CSV cell with a leading ' where a spreadsheet would run it as a formula; numbers stay as they are."""
    runs = _FORMULA_START.match(cell) and not _PLAIN_NUMBER.match(cell)
    return f"'{cell}" if runs else cell
