"""Text from a log made safe to show: nothing in an activity's name may steer a terminal or a CI runner."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, line and paragraph separators, lone surrogates, marks of annotations, and the two
# code points that are no characters and that XML refuses.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufff9-\ufffb\ufffe\uffff"
# Everything that Unicode calls default-ignorable: zero-width and bidirectional marks, fillers, variation
# selectors, tags, and code points kept free for more of them. None of it leaves ink.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# `##[error]`, `##vso[...]`, `##teamcity[...]`: commands of CI runners, some of which look anywhere in a line.
_RUNNERS = r"#(?=#[A-Za-z]*\[)"
_UNSAFE = re.compile(f"[{_CONTROLS}{_INVISIBLE}]|{_RUNNERS}")
_BYTE, _PLANE = 0x100, 0x10000
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if code >= _PLANE:
        return f"\\U{code:08x}"
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < _BYTE else f"\\u{code:04x}")


def visible(text: object) -> str:
    """The text with control, bidirectional and other invisible characters as `\\x1b`, `\\u202e`, ..."""
    return _UNSAFE.sub(_escaped, str(text))


def shown_line(text: object) -> str:
    """The text made visible as a line of its own: GitHub runs one that begins with `::` as a command."""
    safe = visible(text)
    start = len(safe) - len(safe.lstrip())
    return f"{safe[:start]}\\x3a{safe[start + 1 :]}" if safe.startswith("::", start) else safe


def json_safe(document: str) -> str:
    """A JSON document with unsafe characters as JSON's own escapes; it still parses to the same values."""
    return _UNSAFE.sub(_json_escaped, document)


def _json_escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character == "\n":
        return character
    halves = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{halves[at : at + 2].hex()}" for at in range(0, len(halves), 2))
