"""Two texts that look alike: in what alone they differ (upper and lower case, accents, width, blanks)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping

MOST = 5
LONGEST = 1000
"""Texts beyond so many characters are not compared."""


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _without_width(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _without_blanks(text: str) -> str:
    # Signs that take no room (category Cf) count as blanks.
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


_FOLDS: Mapping[str, Callable[[str], str]] = {
    "blanks": _without_blanks,
    "width": _without_width,
    "accents": _without_accents,
    "case": str.casefold,
}


def _folded(text: str, folds: Iterable[str] = _FOLDS) -> str:
    for name in folds:
        text = _FOLDS[name](text)
    return unicodedata.normalize("NFC", text)


def difference(a: str, b: str) -> str | None:
    """In what alone two texts differ ("accents and case"); None where they are equal or differ in more."""
    if a == b or max(len(a), len(b)) > LONGEST or not _folded(a) or _folded(a) != _folded(b):
        return None
    for name in _FOLDS:
        if _folded(a, [name]) == _folded(b, [name]):
            return name
    needed = [
        name
        for name in _FOLDS
        if _folded(a, [fold for fold in _FOLDS if fold != name])
        != _folded(b, [fold for fold in _FOLDS if fold != name])
    ]
    return " and ".join(sorted(needed)) or "spelling"


def lookalikes(values: Iterable[str], known: Iterable[str], *, most: int = MOST) -> dict[str, str]:
    """The first values that look like a known one, and which."""
    wanted = sorted({value for value in values if len(value) <= LONGEST})
    if not wanted:
        return {}
    by_form: dict[str, str] = {}
    for text in sorted(known):
        if len(text) <= LONGEST:
            by_form.setdefault(_folded(text), text)
    pairs = ((value, by_form.get(_folded(value))) for value in wanted)
    found = [(value, like) for value, like in pairs if like is not None and difference(value, like)]
    return dict(found[:most])


def told(pairs: Mapping[str, str]) -> str:
    """The pairs as a sentence: 'check' differs only in case from 'Check', which training saw."""
    parts = [
        f"{value!r} differs only in {difference(value, like)} from {like!r}" for value, like in pairs.items()
    ]
    return f"{'; '.join(parts)}, which training saw" if parts else ""
