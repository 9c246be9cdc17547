"""Which of the encodings of older tools some words are in, told by the letters that they would hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

LETTERS = {
    "utf-8": "",
    "windows-1252": "äöüßéèàáíóúñçâêôîëïãõåøæ",
    "windows-1250": "áéíóúýąćęłńśźżčďěňřšťůžöüőűäßăâîţ",
    "windows-1251": "оеаинтсрвлкмдпуязыбгчйхжшюцщіїђћјљњ",
    "windows-1253": "αοιετσνηυρπκμλςάίόέήδγωθ",
    "windows-1254": "ışğçöüâî",
    "windows-1255": "יוהלאמרתבשנםדקחעפט",
    "windows-1256": "ايلمنرتبةدعسفحقكشطج",
    "windows-1257": "āēīūčšžģķļņąęėįųõäöü",
    "cp850": "äöüßéèàáíóúñçâêôîëïãõåøæ",
}
"""The usual letters beyond ASCII of the languages that an encoding is for, the likeliest encoding first."""

MOST_WORDS = 50
SEPARATORS = re.compile(rb"[\x00-\x20,;|\"'<>=/()]+")


def likeliest(word: bytes, around: bytes) -> dict[str, list[str]]:
    """What `word` may say, the likeliest first, to the encodings that read it so.

    Judged by the first `MOST_WORDS` words beyond ASCII in `around`, too.
    """
    words = [word, *(each for each in SEPARATORS.split(around) if not each.isascii())][:MOST_WORDS]
    readings: dict[str, list[str]] = {}
    for encoding in sorted(LETTERS, key=lambda name: -_likeliness(words, name)):
        text = _decoded(word, encoding)
        if text is not None and text.isprintable():
            readings.setdefault(text, []).append(encoding)
    return readings


def _decoded(word: bytes, encoding: str) -> str | None:
    try:
        return word.decode(encoding)
    except UnicodeDecodeError:
        return None


def _likeliness(words: Sequence[bytes], encoding: str) -> int:
    if encoding == "utf-8":  # which no other text is by chance
        return 0 if _decoded(words[0], encoding) is None else 1 << 20
    return sum(_of_word(word.decode(encoding, "replace"), LETTERS[encoding]) for word in words)


def _of_word(text: str, usual: str) -> int:
    """Usual letters less what no word has: signs, capitals after small letters, two scripts."""
    beyond = [letter for letter in text if not letter.isascii()]
    letters = [letter for letter in text if letter.isalpha()]
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in letters}
    accented = sum(not letter.isascii() for letter in letters)
    is_all_accents = scripts == {"LATIN"} and 2 < len(letters) < 2 * accented
    has_late_capital = any(a.islower() and b.isupper() for a, b in pairwise(text))
    if len(scripts) > 1 or is_all_accents or has_late_capital:
        return -len(beyond)
    return sum(1 if x.lower() in usual else 0 if x.isalpha() else -1 for x in beyond)
