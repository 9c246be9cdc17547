"""Findings about activity names: the same one spelt twice, and names that are none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pandas as pd

from pmlcli.eventlog.findings.evidence import Evidence
from pmlcli.eventlog.findings.finding import (
    EXAMPLES,
    LONGEST_NAME,
    SERIOUS,
    WARNING,
    DataFinding,
    Example,
    counted,
    cut,
)
from pmlcli.eventlog.log import MISSING, RESOURCE

_MOST_NAMES = 2_000
"""Names beyond the so many most frequent ones are not compared, nor are those longer than the next."""
_LONGEST = 100
_RETURNING = 0.5
"""Values of a column are compared where there are at most so many of them an event."""
_SHORTEST = 8
_SHORTEST_WORD = 4
_SHORTEST_LABEL = 3
_MOST_COMPARISONS = 100_000
_RARE = 0.05
"""A misspelling is at most so frequent as this share of the right name."""


def near_duplicates(evidence: Evidence) -> DataFinding | None:
    """Activities that differ in case, blanks or punctuation alone, or where a rare one is one letter off."""
    log = evidence.log
    counts = np.bincount(log.activity_codes[log.activity_codes != MISSING], minlength=len(log.activities))
    used = [c for c in np.argsort(-counts, kind="stable")[:_MOST_NAMES].tolist() if counts[c]]
    pairs = _same_letters(log.activities, used)
    pairs |= {pair: None for pair in _misspelt(log.activities, used, counts.tolist()) if pair not in pairs}
    if not pairs:
        return None
    return DataFinding(
        "activities.near-duplicate",
        WARNING,
        len(pairs),
        tuple(_example(evidence, a, b, counts.tolist()) for a, b in list(pairs)[:EXAMPLES]),
        f"{counted(len(pairs), 'pair')} of activities with nearly the same name",
        "give each activity one name in the source; as it is, a model takes them for different activities",
    )


def near_duplicate_values(evidence: Evidence) -> DataFinding | None:
    """Resources and values of text columns that differ in case, blanks or punctuation alone."""
    log = evidence.log
    found: list[tuple[str, str, str, int]] = []
    looked_at = [(c.name, c.codes, c.values) for c in evidence.columns if c.kind == "text"]
    if log.resource_codes is not None:
        looked_at.insert(0, (RESOURCE, log.resource_codes, pd.Index(log.resources)))
    for column, codes, values in looked_at:
        # Values that hardly ever return are identifiers or free text.
        if not 2 <= len(values) <= min(_MOST_NAMES, _RETURNING * log.n_events):
            continue
        names = tuple(map(str, values))
        counts = np.bincount(codes[codes != MISSING], minlength=len(names))
        used = [c for c in np.argsort(-counts, kind="stable").tolist() if counts[c]]
        pairs = _same_letters(names, used)
        alike = [(a, b) for a, b in pairs if _is_word(names[a], names[b])]
        found += [(column, names[a], names[b], int(np.argmax(codes == b))) for a, b in alike]
    if not found:
        return None
    rows = np.array([row for *_, row in found[:EXAMPLES]])
    texts = [
        f"{column} '{cut(a, LONGEST_NAME)}' and '{cut(b, LONGEST_NAME)}'"
        for column, a, b, _ in found[:EXAMPLES]
    ]
    return DataFinding(
        "values.near-duplicate",
        WARNING,
        len(found),
        evidence.events(rows, texts=texts),
        f"{counted(len(found), 'pair')} of resources or values with nearly the same name",
        "give each one name in the source; as it is, a model takes them for different ones",
    )


def _is_word(a: str, b: str) -> bool:
    """Whether letters decide: `1.1` and `11`, or `10:30` and `1030`, are numbers of their own."""
    return any(map(str.isalpha, a)) and re.findall(r"[0-9]+", a) == re.findall(r"[0-9]+", b)


def _example(evidence: Evidence, a: int, b: int, counts: list[int]) -> Example:
    """The pair, and where the rarer one stands first."""
    names = evidence.log.activities
    row = int(np.argmax(evidence.log.activity_codes == b))
    where = evidence.events(np.array([row]), texts=[""])[0]
    told = (f"'{cut(names[code], LONGEST_NAME)}' ({counted(counts[code], 'event')})" for code in (a, b))
    return Example(" and ".join(told), where.line, where.case_id)


def _bare(name: str) -> str:
    """The letters and digits of a name, without case and width."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def _same_letters(names: tuple[str, ...], used: list[int]) -> dict[tuple[int, int], None]:
    """Pairs, the more frequent first, of equal letters and digits."""
    first: dict[str, int] = {}
    pairs: dict[tuple[int, int], None] = {}
    for code in used:
        bare = _bare(names[code][: 2 * _LONGEST])
        # Signs alone, such as + and -, have no letters to be equal in; `a` and `A` are labels of their own.
        if len(bare) >= _SHORTEST_LABEL and first.setdefault(bare, code) != code:
            pairs[first[bare], code] = None
    return pairs


def _misspelt(names: tuple[str, ...], used: list[int], counts: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs, the more frequent first, where one letter is changed, added, lost or swapped with the next."""
    rare = ((a, b) for a, b in _one_edit_apart(names, used) if counts[b] <= _RARE * counts[a])
    for a, b in islice(rare, _MOST_COMPARISONS):
        if _is_typo(names[a].casefold(), names[b].casefold()):
            yield a, b


def _one_edit_apart(names: tuple[str, ...], used: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs, the more frequent first, that are equal once each has lost one letter or none."""
    known: dict[str, list[int]] = {}
    for code in used:
        name = names[code].casefold()
        if not _SHORTEST <= len(name) <= _LONGEST:
            continue
        shorter = {name[:i] + name[i + 1 :] for i in range(len(name))} | {name}
        near = {other for part in shorter for other in known.get(part, ())}
        yield from ((other, code) for other in sorted(near))
        for part in shorter:
            known.setdefault(part, []).append(code)


def _is_typo(a: str, b: str) -> bool:
    """Whether one edit in a word makes them equal; `Level 1` and `Level 2`, `Team A` and `Team B` differ."""
    if "".join(filter(str.isdigit, a)) != "".join(filter(str.isdigit, b)):
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if min(len(_word_at(a, start)), len(_word_at(b, start))) < _SHORTEST_WORD:
        return False
    left, right = a[start:], b[start:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]


def _word_at(name: str, place: int) -> str:
    """The letters around a place of a name."""
    begin = end = min(place, len(name) - 1)
    while begin > 0 and name[begin - 1].isalpha():
        begin -= 1
    while end < len(name) and name[end].isalpha():
        end += 1
    return name[begin:end]


_UNIQUE_SHARE = 0.5
_UNIQUE_EVENTS = 50


def too_many(evidence: Evidence) -> DataFinding | None:
    """Activities that hardly ever occur twice: free text, or an identifier."""
    log = evidence.log
    if log.n_events < _UNIQUE_EVENTS:
        return None
    _, first = np.unique(log.activity_codes, return_index=True)
    if len(first) < _UNIQUE_SHARE * log.n_events:
        return None
    return DataFinding(
        "activities.too-many",
        SERIOUS,
        len(first),
        evidence.events(np.sort(first)),
        f"{len(first):,} different activities in {log.n_events:,} events: is this column the activity?",
        "name the column of the activity with --activity",
    )
