"""What a spreadsheet, or a CI runner on whose log it is printed, would run of a text in CSV."""

from __future__ import annotations

import re

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
"""What a formula begins with, in the widths of East Asian text too."""
_SEPARATORS = ",;\t|\n\r"
"""Where some spreadsheet, set to some country, begins another cell, whatever the file means."""
_PIECE = rf"(?:^|(?<=[{_SEPARATORS}]))"
_COMMAND = r"[^\S\r\n]*::"
"""How a line begins that GitHub runs as a command."""
_FORMULA = re.compile(rf"""{_PIECE}(?P<marks>'*)(?="*[{_SIGNS}]|{_COMMAND})""")
_UNSEEN_START = re.compile(r"'*[\t\r\n]")
PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def formula_safe(text: str) -> str:
    """The text with a `'` before each piece of it that would be run; numbers stay as they are.

    A piece begins where the text does and after each character that separates cells somewhere: a program set
    to another separator than the file's cuts there, quotes or not. A piece that has such `'` already gets one
    more, so that `unescaped` gives every text back.
    """
    safe = _FORMULA.sub(
        lambda found: found["marks"] if _is_number(text, found.end()) else f"'{found[0]}", text
    )
    return f"'{safe}" if _UNSEEN_START.match(text) else safe


def unescaped(text: str) -> str:
    """The text that `formula_safe` made this of; any other text as it is, but for a `'` before a formula."""
    if "'" not in text:
        return text
    plain = _FORMULA.sub(lambda found: found["marks"][0 if _is_number(text, found.end()) else 1 :], text)
    return plain[1:] if plain[0] == "'" and _UNSEEN_START.match(plain) else plain


def is_formula(text: str) -> bool:
    """Whether a spreadsheet or runner would run the text, or a piece of it, rather than show it."""
    return formula_safe(text) != text


def _is_number(text: str, start: int) -> bool:
    end = next((i for i in range(start, len(text)) if text[i] in _SEPARATORS), len(text))
    return PLAIN_NUMBER.fullmatch(text[start:end].strip()) is not None
