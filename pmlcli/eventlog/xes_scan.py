"""A quick way through the regular stretches of an XES file.

Nearly every XES file is written by a machine and says the same few things again and again. A stretch of
whole traces is cut at each `<`: one text a tag. Each distinct text is checked once against a strict
pattern and coded; what the tags open and close is then followed by array arithmetic. Whatever is not of
that kind (comments, single quotes, nesting, lists, prefixes, ...) makes `scan` return None, and the
stretch goes to the handlers instead. The XML parser reads every stretch in either case, so this module
never has to judge whether a file is well-formed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.raw import Vocabulary
from pmlcli.eventlog.xes_attributes import KINDS, Vocabularies

MOST_TAGS = 1 << 16
"""Distinct tags after which those met so far are forgotten; they are learnt again where they recur."""

_BETWEEN = re.compile(r"\s*/>\s*<([a-z]+) +key *= *")
_VALUE = re.compile(" +value *= *")
_STRUCTURE = re.compile(r"(/?(?:trace|event))>\s*")
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

Ints = NDArray[np.int64]


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
        self._facts = np.empty((6, 0), dtype=np.int64)

    def scan(self, data: bytes, first_line: int) -> Stretch | None:
        """What the stretch holds, or None when it is not regular."""
        try:
            blank, *tags = data.decode("utf-8").split("<")
        except UnicodeDecodeError:
            return None
        if blank.strip() or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
            return None
        codes = self._tags.codes(tags)
        if not self._learn():
            self._forget()
            return None
        facts = self._facts[:, codes]
        if len(self._tags) > MOST_TAGS:
            self._forget()
        return _stretch(facts, first_line + blank.count("\n"))

    def _learn(self) -> bool:
        """Check the tags not met before; False when one is not regular."""
        new = list(islice(self._tags, self._facts.shape[1], None))
        facts = np.full((6, len(new)), _SAME, dtype=np.int64)
        facts[2] = [tag.count("\n") for tag in new]
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
        self._facts = np.concatenate((self._facts, facts), axis=1)
        return True

    def _coded(self, tags: list[str]) -> NDArray[np.int32] | None:
        """Codes of key, kind and value of tags that are attributes, (3, tags)."""
        if not tags:
            return np.empty((3, 0), dtype=np.int32)
        # within a tag the quotes alternate between markup and text, as long as all markup is as it should be
        pieces = ("/><" + "<".join(tags)).split('"')
        if len(pieces) != 4 * len(tags) + 1 or re.fullmatch(r"\s*/>\s*", pieces.pop()) is None:
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
    line = first_line + np.cumsum(lines) - lines
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
    return chr(code) if code <= 0x10FFFF else None
