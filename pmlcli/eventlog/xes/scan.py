"""A quick way through the regular stretches of an XES file.

Nearly every XES file is written by a machine and says the same few things again and again. A stretch of
whole traces, from which the times of events are taken out, as they hardly repeat, is cut where events begin,
and each distinct piece of it at each `<`: one text a tag. Each distinct tag is checked once against a strict
pattern and coded; what the tags open and close is then followed by array arithmetic. Whatever is not of that
kind (comments, single quotes, nesting, lists, prefixes, characters that XML forbids, ...) makes `scan` return
None, and the stretch goes to the XML parser and the handlers instead. The parser does not see the other
stretches: what this module lets pass is well-formed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.raw import Vocabulary
from pmlcli.eventlog.xes.attributes import KINDS, Vocabularies

MOST_TAGS = 1 << 16
"""Distinct tags after which all met so far is forgotten; it is learnt again where it recurs."""
MOST_PIECES = 1 << 15
"""As many distinct events as may be remembered."""

_BLANKS = " \t\r\n"
_BETWEEN = re.compile(r"[ \t\r\n]*/>[ \t\r\n]*<([a-z]+) +key *= *")
_VALUE = re.compile(" +value *= *")
_LAST = re.compile(r"[ \t\r\n]*/>[ \t\r\n]*")
_STRUCTURE = re.compile(r"(/?(?:trace|event))>[ \t\r\n]*")
_EVENT_TAG = "event>"
_TIME = '<date key="time:timestamp" value="'
"""What stands before nearly every time of an event."""
_OF_TIMES = b"0123456789T:.+-Z "
_FORBIDDEN = bytes(set(range(32)) - set(b"\t\r\n"))
_FORBIDDEN_WIDE = ("\ufffe", "\uffff")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]+));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}

_OUTSIDE, _TRACE, _EVENT = 0, 1, 2
_LEVELS = {
    "trace": (_OUTSIDE, _TRACE),
    "event": (_TRACE, _EVENT),
    "/event": (_EVENT, _TRACE),
    "/trace": (_TRACE, _OUTSIDE),
}
_SAME = -1
_TAKEN_OUT = -2

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Attributes:
    """A stretch's events or traces: coded attributes; where in them each owner's begin; its line."""

    keys: Ints
    tags: Ints
    values: Ints
    starts: Ints
    lines: Ints


@dataclass(frozen=True)
class Stretch:
    """What a stretch of whole traces holds; `first_events` is counted from the stretch's first event."""

    events: Attributes
    traces: Attributes
    first_events: Ints


class Scanner:
    """Scans stretches of one file, coding into its vocabularies; remembers the tags that it has met."""

    def __init__(self, vocabularies: Vocabularies) -> None:
        self._vocabularies = vocabularies
        self._forget()

    def _forget(self) -> None:
        self._tags = Vocabulary()
        # for each distinct tag: level before, level after, lines that it spans, key, kind, value
        self._facts = np.empty((6, 0), dtype=np.int32)
        self._pieces = Vocabulary()
        # the codes of the tags of all distinct pieces, and how many there are of each piece
        self._flat, self._sizes = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)

    def scan(self, data: bytes, first_line: int) -> Stretch | None:
        """What the stretch holds, or None when it is not regular."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            return None
        cut = _without_times(text)
        if cut is None:
            return None
        (first, *pieces), times = cut[0].split(f"<{_EVENT_TAG}"), cut[1]
        blank, *opening = first.split("<")
        codes = np.concatenate((self._tags.codes(opening), self._codes(pieces)))
        if blank.strip(_BLANKS) or not self._learn():
            self._forget()
            return None
        facts = self._facts[:, codes]
        facts[5, facts[5] == _TAKEN_OUT] = self._vocabularies.values.codes(times)
        if len(self._tags) > MOST_TAGS or len(self._pieces) > MOST_PIECES:
            self._forget()
        return _stretch(facts, first_line + blank.count("\n"))

    def _codes(self, pieces: list[str]) -> NDArray[np.int32]:
        """The codes of all tags of pieces that began with the tag of an event."""
        known = self._pieces.codes(pieces)
        new = [f"{_EVENT_TAG}{piece}".split("<") for piece in islice(self._pieces, len(self._sizes), None)]
        self._flat = np.concatenate((self._flat, self._tags.codes(chain.from_iterable(new))))
        self._sizes = np.concatenate((self._sizes, np.fromiter(map(len, new), dtype=np.int64)))
        sizes, starts = self._sizes[known], (np.cumsum(self._sizes) - self._sizes)[known]
        shifts = starts - (np.cumsum(sizes) - sizes)
        codes: NDArray[np.int32] = self._flat[np.repeat(shifts, sizes) + np.arange(sizes.sum())]
        return codes

    def _learn(self) -> bool:
        """Check the tags not met before; False when one is not regular."""
        new = list(islice(self._tags, self._facts.shape[1], None))
        if _has_forbidden("".join(new)):
            return False
        facts = np.full((6, len(new)), _SAME, dtype=np.int32)
        facts[2] = list(map(str.count, new, repeat("\n")))
        places = [place for place, tag in enumerate(new) if '"' in tag]
        for place in set(range(len(new))).difference(places):
            match = _STRUCTURE.fullmatch(new[place])
            if match is None:
                return False
            facts[:2, place] = _LEVELS[match[1]]
        coded = self._coded([new[place] for place in places])
        if coded is None:
            return False
        facts[3:, places] = coded
        facts[5, [place for place in places if new[place].startswith(_TIME[1:])]] = _TAKEN_OUT
        self._facts = np.concatenate((self._facts, facts), axis=1)
        return True

    def _coded(self, tags: list[str]) -> NDArray[np.int32] | None:
        """Codes of key, kind and value of tags that are attributes, (3, tags)."""
        if not tags:
            return np.empty((3, 0), dtype=np.int32)
        # within a tag the quotes alternate between markup and text, as long as all markup is as it should be
        pieces = ("/><" + "<".join(tags)).split('"')
        if len(pieces) != 4 * len(tags) + 1 or _LAST.fullmatch(pieces.pop()) is None:
            return None
        kinds = {between: _BETWEEN.fullmatch(between) for between in set(pieces[0::4])}
        names = {between: match[1] for between, match in kinds.items() if match and match[1] in KINDS}
        if len(names) < len(kinds) or not all(map(_VALUE.fullmatch, set(pieces[2::4]))):
            return None
        keys, values = pieces[1::4], pieces[3::4]
        if not (_resolve(keys) and _resolve(values)):
            return None
        vocabularies = self._vocabularies
        return np.stack(
            [
                vocabularies.keys.codes(keys),
                vocabularies.tags.codes(map(names.__getitem__, pieces[0::4])),
                vocabularies.values.codes(values),
            ]
        )


def _without_times(text: str) -> tuple[str, list[str]] | None:
    """The text with the times of events made empty, and these times; None where one holds anything else."""
    first, *rest = text.split(_TIME)
    if not rest:
        return text, []
    parts = [piece.partition('"') for piece in rest]
    times, marks, after = ([part[which] for part in parts] for which in range(3))
    together = "".join(times)
    if not all(marks) or not together.isascii() or together.encode().translate(None, _OF_TIMES):
        return None
    return f'{_TIME}"'.join([first, *after]), times


def _has_forbidden(text: str) -> bool:
    """Whether there are characters that XML does not allow."""
    plain = text.encode()
    if len(plain.translate(None, _FORBIDDEN)) < len(plain):
        return True
    return any(wide in text for wide in _FORBIDDEN_WIDE)


def _stretch(facts: Ints, first_line: int) -> Stretch | None:
    """The stretch of these tags, or None when they do not open and close in turn."""
    need, out, lines, keys, kinds, values = facts
    changed = np.maximum.accumulate(np.where(out >= 0, np.arange(len(out)), _SAME))
    level = np.where(changed >= 0, out[changed], _OUTSIDE)
    before = np.concatenate(([_OUTSIDE], level[:-1]))
    is_attribute = out == _SAME
    in_turn = np.where(is_attribute, level > _OUTSIDE, need == before)
    if not in_turn.all() or not len(level) or level[-1] != _OUTSIDE:
        return None
    line = first_line + np.cumsum(lines, dtype=np.int64) - lines
    events, traces = (need == _TRACE) & (out == _EVENT), need == _OUTSIDE

    def of(which: int, begins: NDArray[np.bool_]) -> Attributes:
        mine = is_attribute & (level == which)
        starts = (np.cumsum(mine) - mine)[begins]
        return Attributes(keys[mine], kinds[mine], values[mine], starts, line[begins])

    return Stretch(of(_EVENT, events), of(_TRACE, traces), (np.cumsum(events) - events)[traces])


def _resolve(texts: list[str]) -> bool:
    """Replace character references in place; False for a text that only a parser can judge."""
    together = "".join(texts)
    if any(blank in together for blank in "\t\n\r"):  # XML makes spaces of these
        return False
    if "&" not in together:
        return True
    for at, text in enumerate(texts):
        if "&" not in text:
            continue
        parts = _REFERENCE.split(text)
        if any("&" in part for part in parts[0::4]):
            return False
        resolved = [parts[0]]
        for number, hexadecimal, name, after in zip(*(parts[i::4] for i in (1, 2, 3, 4)), strict=True):
            character = _character(number, hexadecimal, name)
            if character is None:
                return False
            resolved += (character, after)
        texts[at] = "".join(resolved)
    return True


def _character(number: str | None, hexadecimal: str | None, name: str | None) -> str | None:
    if name is not None:
        return _NAMED.get(name)
    code = int(number) if number is not None else int(hexadecimal or "", 16)
    character = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\0"
    return None if _has_forbidden(character) else character
