"""Findings about attributes: identifiers, personal data, columns that say nothing, or the same twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.columns import GUESSED
from pmlcli.eventlog.findings.evidence import ColumnFacts, Evidence
from pmlcli.eventlog.findings.finding import (
    EXAMPLES,
    NOTE,
    WARNING,
    DataFinding,
    Example,
    counted,
    cut,
    words,
)
from pmlcli.eventlog.log import ACTIVITY, RESOURCE

_ENOUGH = 20
"""Fewer values than this say nothing about a column."""
_UNIQUE = 0.95


def identifiers(evidence: Evidence) -> DataFinding | None:
    """Attributes with another value in nearly every event or case: numbers of documents, free text."""
    found = [column for column in evidence.columns if _is_identifier(evidence, column)]
    if not found:
        return None
    return DataFinding(
        "columns.identifier",
        WARNING,
        len(found),
        tuple(_first_value(evidence, column) for column in found[:EXAMPLES]),
        f"{counted(len(found), 'attribute')} with a value of {'its' if len(found) == 1 else 'their'} own in"
        f" nearly every case or event: {_quoted([c.name for c in found])}",
        "do not use as a feature: a model learns it by heart, and keeps it; it may also point to persons",
    )


def guessed(evidence: Evidence) -> DataFinding | None:
    """Roles that no name told: they were taken by what the columns hold."""
    notes = [kind for kind, _ in evidence.log.ledger.notes if GUESSED in kind]
    if not notes:
        return None
    return DataFinding(
        "columns.guessed",
        WARNING,
        len(notes),
        tuple(Example(kind) for kind in notes[:EXAMPLES]),
        f"{counted(len(notes), 'role')} taken by what a column holds, as no name tells it",
        "check them, and name them as shown: other commands ask for it",
    )


def _is_identifier(evidence: Evidence, column: ColumnFacts) -> bool:
    """Amounts and times differ too, without being identifiers; whole numbers must all differ."""
    codes = evidence.of_cases(column) if column.of_case else column.codes
    present = int((codes >= 0).sum())
    if present < _ENOUGH or column.kind not in ("text", "integer"):
        return False
    distinct = len(np.unique(codes[codes >= 0])) if column.of_case else column.distinct
    if not column.of_case and distinct < _UNIQUE * present:
        # An event attribute may name the case: another one in each, and the same all through it.
        return _names_the_case(evidence, column)
    if column.kind == "integer":
        return distinct == present and _is_numbering(column.values)
    return distinct >= _UNIQUE * present


def _names_the_case(evidence: Evidence, column: ColumnFacts) -> bool:
    first = evidence.of_cases(column)
    per_event = np.repeat(first, evidence.log.lengths)
    return (
        evidence.log.n_cases >= _ENOUGH
        and column.distinct >= _UNIQUE * evidence.log.n_cases
        and bool((first >= 0).all())
        and bool((per_event == column.codes).all())
        and column.kind == "text"
    )


def _is_numbering(values: pd.Index) -> bool:
    """Whether whole numbers are drawn from a range not much larger than they are many, or all as long."""
    numbers = values.to_numpy(dtype=np.float64)
    if numbers.min() < 0:
        return False
    is_dense = numbers.max() - numbers.min() < 10 * len(numbers)
    return bool(is_dense or len(str(int(numbers.min()))) == len(str(int(numbers.max()))) > 4)


def _first_value(evidence: Evidence, column: ColumnFacts) -> Example:
    return _at(evidence, column, int(np.argmax(column.codes >= 0)))


def _at(evidence: Evidence, column: ColumnFacts, row: int) -> Example:
    where = evidence.events(np.array([row]), texts=[""])[0]
    return Example(f"'{column.name}': {cut(column.values[column.codes[row]])!r}", where.line, where.case_id)


_MOST_VALUES = 5_000
_LONGEST_VALUE = 1_000
_PERSONAL_NAME = re.compile(
    r"(?:^|[^a-z])(?:e?_?mail|phone|telephone|mobile|ssn|iban|passport|birth|birth_?date|date_?of_?birth|dob"
    r"|first_?name|last_?name|surname|full_?name)(?:[^a-z]|_?address|_?number|$)"
)
# One letter before the @ is enough to find it, and takes time in proportion to the text.
_EMAIL = re.compile(r"[\w.+-]@[\w-]+\.\w")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def personal_data(evidence: Evidence) -> DataFinding | None:
    """Columns that name persons beyond doubt: by the column's name, or e-mail addresses and IBANs in them."""
    examples: list[Example] = []
    names: list[str] = []
    for column in evidence.columns:
        code = _personal_value(column)
        if column.distinct and (code is not None or _PERSONAL_NAME.search(words(column.name))):
            row = int(np.argmax(column.codes == code if code is not None else column.codes >= 0))
            examples.append(_at(evidence, column, row))
            names.append(column.name)
    resource = next(
        (name for name in evidence.log.resources[:_MOST_VALUES] if _EMAIL.search(_head(name))), None
    )
    if resource is not None:
        examples.append(Example(f"'{RESOURCE}': {cut(resource)!r}"))
        names.append(RESOURCE)
    if not names:
        return None
    return DataFinding(
        "columns.personal-data",
        WARNING,
        len(names),
        tuple(examples[:EXAMPLES]),
        f"{counted(len(names), 'column')} with personal data: {_quoted(names)}",
        "leave these columns out, or replace the values by pseudonyms; a model directory keeps the values"
        " that it was trained on",
    )


def _personal_value(column: ColumnFacts) -> int | None:
    """The code of the first value that is an e-mail address or an IBAN."""
    if column.kind != "text":
        return None
    values = map(_head, column.values[:_MOST_VALUES].tolist())
    return next((code for code, text in enumerate(values) if _EMAIL.search(text) or _is_iban(text)), None)


def _head(value: object) -> str:
    return str(value)[:_LONGEST_VALUE]


def _is_iban(text: str) -> bool:
    """Whether the text is an IBAN: its digits, letters as 10 to 35, leave 1 when divided by 97 (ISO 7064)."""
    bare = text.replace(" ", "")
    if not _IBAN.fullmatch(bare):
        return False
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def constant(evidence: Evidence) -> DataFinding | None:
    """Attributes with no value, or the same everywhere."""
    several = evidence.log.n_cases > 1 and evidence.log.n_events >= _ENOUGH
    found = [c for c in evidence.columns if several and _says_nothing(c)]
    names = _quoted([c.name for c in found])
    if not found:
        return None
    texts = (
        f"'{c.name}': {cut(c.values[0])!r} everywhere" if c.distinct else f"'{c.name}': empty" for c in found
    )
    return DataFinding(
        "columns.constant",
        NOTE,
        len(found),
        tuple(map(Example, list(texts)[:EXAMPLES])),
        f"{counted(len(found), 'attribute')} with no value or one value throughout: {names}",
        "nothing to do, unless it should vary: then the extract is at fault",
    )


def _says_nothing(column: ColumnFacts) -> bool:
    return column.distinct == 0 or (column.distinct == 1 and bool((column.codes >= 0).all()))


def twins(evidence: Evidence) -> DataFinding | None:
    """Attributes that say the same as another column, be it in other words."""
    groups: dict[bytes, list[str]] = {}
    for name, codes in _comparable(evidence):
        # Codes are numbered by first appearance: columns that map one to one have the same codes.
        key = hashlib.blake2b(codes.astype(np.int32).tobytes()).digest()
        groups.setdefault(key, []).append(name)
    pairs = [(names[0], other) for names in groups.values() for other in names[1:]]
    if not pairs:
        return None
    return DataFinding(
        "columns.twin",
        NOTE,
        len(pairs),
        tuple(Example(f"'{b}' says the same as '{a}'") for a, b in pairs[:EXAMPLES]),
        f"{counted(len(pairs), 'attribute')} with a value for each value of another column, row by row",
        "use one of each pair as a feature; if one is the label, the other gives it away",
    )


def _comparable(evidence: Evidence) -> Iterator[tuple[str, NDArray[np.int32]]]:
    """Columns in which values recur, so that saying the same is no accident; canonical ones first."""
    log = evidence.log
    for name, codes in ((ACTIVITY, log.activity_codes), (RESOURCE, log.resource_codes)):
        if codes is not None and _recurs(len(np.unique(codes[codes >= 0])), log.n_events):
            yield name, _by_appearance(codes)
    for column in evidence.columns:
        if _recurs(column.distinct, log.n_cases if column.of_case else log.n_events):
            yield column.name, column.codes


def _recurs(distinct: int, places: int) -> bool:
    return places >= _ENOUGH and 2 <= distinct <= places / 2


def _by_appearance(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The codes renumbered by first appearance; missing stays -1."""
    renumbered = np.full(len(codes), -1, dtype=np.int32)
    renumbered[codes >= 0] = pd.factorize(codes[codes >= 0])[0]
    return renumbered


def _quoted(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{cut(name)}'" for name in names[:most]) + more
