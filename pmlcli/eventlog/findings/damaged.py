"""Findings about identifiers that a spreadsheet changed when the file passed through it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.findings.evidence import ColumnFacts, Evidence
from pmlcli.eventlog.findings.finding import (
    EXAMPLES,
    LONGEST_NAME,
    SERIOUS,
    DataFinding,
    Example,
    counted,
    cut,
    words,
)
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, RESOURCE

_EXPONENT = re.compile(r"[1-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}")
_LONG = re.compile(r"[1-9][0-9]{15,}")
_EXACT_DIGITS = 15
"""So many digits of a number a spreadsheet keeps; it writes zeros for the others."""
_SHOWN_DIGITS = 6
"""So many digits are left where a column was too narrow for more."""
_LEAST_LONG = 3
_LARGE = 1e11
"""From here on a spreadsheet shows a number with an exponent."""
_MONTH = r"(?:jan|feb|mar|mrz|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]{0,6}\.?"
_DATE = re.compile(rf"[0-9]{{1,2}}[-. /]{{1,2}}{_MONTH}|{_MONTH}[-. /][0-9]{{2}}", re.IGNORECASE)
_PARTS = re.compile(r"[0-9]{1,3}[-/.][0-9]{1,3}")
_NAME = re.compile(
    r"(?:^|[^a-z])(?:id|key|number|num|no|nr|code|ref|reference|order|invoice|ticket|case|document|doc|po|ean"
    r"|sku|serial|account|iban|customer|item|material)s?(?:[^a-z]|$)"
)
_MOST_VALUES = 100_000

_Values = tuple[str, list[str], NDArray[np.int32], bool]
"""A column's name, its distinct values as text, each event's code, and whether it is one that identifies."""


def identifiers(evidence: Evidence) -> DataFinding | None:
    """Case ids, resources and numbers of documents in a spreadsheet's exponent form, ending in its zeros, or
    turned to dates: several of them may have become one."""
    examples: list[Example] = []
    told: list[str] = []
    n_values = 0
    for name, texts, codes, is_identifier in _columns(evidence):
        for what, find in _DAMAGE:
            found = find(texts, is_identifier)
            if found:
                told.append(f"'{cut(name)}' ({counted(len(found), 'value')} {what})")
                examples.append(_example(evidence, name, texts[found[0]], codes, found[0]))
                n_values += len(found)
                break
    if not told:
        return None
    return DataFinding(
        "columns.damaged-identifier",
        SERIOUS,
        n_values,
        tuple(examples[:EXAMPLES]),
        f"identifiers that a spreadsheet changed: {', '.join(told[:5])}; different ones may have become one",
        "export the log again and do not open it in a spreadsheet on the way, or import such columns as text",
    )


def _example(evidence: Evidence, name: str, text: str, codes: NDArray[np.int32], code: int) -> Example:
    where = evidence.events(np.array([int(np.argmax(codes == code))]), texts=[""])[0]
    return Example(f"'{name}': {cut(text, LONGEST_NAME)!r}", where.line, where.case_id)


def _columns(evidence: Evidence) -> Iterator[_Values]:
    """The columns that may hold identifiers."""
    log = evidence.log
    yield CASE_ID, [str(case) for case in log.case_ids], log.case_of_event.astype(np.int32), True
    if log.resource_codes is not None:
        yield RESOURCE, list(log.resources), log.resource_codes, True
    yield ACTIVITY, list(log.activities), log.activity_codes, False
    for column in evidence.columns:
        if column.kind in ("text", "integer", "number") and column.distinct <= _MOST_VALUES:
            yield column.name, _texts(column), column.codes, _is_identifier(column)


def _texts(column: ColumnFacts) -> list[str]:
    if column.kind != "number":
        return [str(value) for value in column.values]
    return [_as_shown(value) for value in column.values.tolist()]


def _as_shown(number: float) -> str:
    """A number as a spreadsheet shows it where it is whole, large and rounded; else as it is."""
    is_rounded = number >= _LARGE and number == float(f"{number:.{_SHOWN_DIGITS - 1}e}")
    return f"{number:.{_SHOWN_DIGITS - 1}E}" if is_rounded else repr(number)


def _is_identifier(column: ColumnFacts) -> bool:
    return _NAME.search(words(column.name)) is not None


def _exponents(texts: list[str], is_identifier: bool) -> list[int]:
    """Values such as 9.00000E+17, in a column that names things."""
    return [i for i, text in enumerate(texts) if _EXPONENT.fullmatch(text)] if is_identifier else []


def _zeros(texts: list[str], is_identifier: bool) -> list[int]:
    """Long whole numbers that all end in zeros after the 15th digit, which no numbering does."""
    del is_identifier
    long = [i for i, text in enumerate(texts) if _LONG.fullmatch(text)]
    ends = all(not texts[i][_EXACT_DIGITS:].strip("0") for i in long)
    return long if ends and len(long) >= _LEAST_LONG else []


def _dates(texts: list[str], is_identifier: bool) -> list[int]:
    """Values such as 2-Jan or Jan-24 beside others such as 3-14, which were 1-2 or 1-24 as well."""
    found = [i for i, text in enumerate(texts) if _DATE.fullmatch(text)]
    alike = sum(_PARTS.fullmatch(text) is not None for text in texts)
    is_mixed = len(found) < len(texts)
    return found if found and (alike or (is_identifier and is_mixed)) else []


_DAMAGE: tuple[tuple[str, Callable[[list[str], bool], list[int]]], ...] = (
    ("in exponent form", _exponents),
    (f"of more than {_EXACT_DIGITS} digits, all ending in zeros", _zeros),
    ("turned to dates", _dates),
)
