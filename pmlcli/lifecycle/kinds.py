"""One rule for a column whose type is another than in training: it is read as trained, or the log is refused.

| training saw | a new log may hold |
|---|---|
| text | text, numbers and truth values, as text; no times, whose spelling nobody knows any more |
| numbers | numbers, also written as text |
| truth values | truth values, 1 and 0, and words for them, such as yes and no |
| times | times, also written as text |

A column without any value is one of every type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import as_text
from pmlcli.errors import LogError
from pmlcli.eventlog.log import CANONICAL_COLUMNS, EventLog
from pmlcli.eventlog.odd_cells import cells, emptied, numbers_of, times_of
from pmlcli.eventlog.values import STRING, time_series

WORDS = {"text": "text", "number": "numbers", "boolean": "truth values", "time": "times"}
_PAIRS = (
    *("true false", "t f", "yes no", "y n", "on off", "1 0", "1.0 0.0", "ja nein", "j n", "wahr falsch"),
    *("oui non", "vrai faux", "sí no", "si no", "verdadero falso", "ja nee", "waar onwaar", "vero falso"),
)
_TRUTH = {word: is_true for pair in _PAIRS for word, is_true in zip(pair.split(), (True, False), strict=True)}

_PLAIN_TRUTH = frozenset(["true", "false", "1", "0", "1.0", "0.0"])
EXAMPLES = 5

Column = pd.Series


def kind_of(column: Column) -> str:
    """`text`, `number`, `boolean` or `time`."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return "time"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"


def read_as_trained(log: EventLog, required: Mapping[str, str], bad_value: str = "error") -> EventLog:
    """The log with these columns of the kinds that training saw.

    LogError for values that are of another; with `bad_value` "missing" they are empty and counted, unless
    no value of the column is of the kind.
    """
    for name, kind in required.items():
        values = log.frame[name]
        if name in CANONICAL_COLUMNS or kind not in WORDS or kind_of(values) == kind:
            continue
        found = _converted(values, kind, log.schema.timezone)
        is_odd = (found.isna() & values.notna()).any()
        if is_odd and (bad_value == "error" or not found.notna().any()):
            raise _changed_type(log, name, kind, found)
        log = emptied(log, name, found, WORDS[kind])
    return log


def read_words(log: EventLog, required: Mapping[str, str]) -> list[str]:
    """Sentences on the words that `read_as_trained` takes for truth values, though training read others.

    1 and 0, true and false can mean nothing else; `no` or `falsch` is a guess at a language.
    """
    found = []
    for name, kind in required.items():
        values = log.frame[name]
        if kind != "boolean" or kind_of(values) != "text":
            continue
        words = [word for word in map(str, values.dropna().unique()) if word.lower() not in _PLAIN_TRUTH]
        told = [f"'{word}' as {str(_TRUTH[word.lower()]).lower()}" for word in sorted(words)]
        if told:
            found.append(
                f"'{name}' held truth values in training; here it is read {', '.join(told[:EXAMPLES])}"
            )
    return found


def _converted(values: Column, kind: str, timezone: str) -> Column:
    """The values as of this kind, missing where they are not."""
    own = kind_of(values)
    if own == "time" or not values.notna().any() or (own, kind) in _NEVER:
        return _nothing(len(values), kind)
    if kind == "text":
        return _whole_as_text(values).astype(STRING)
    if kind == "boolean":
        return as_text(values).str.lower().map(_TRUTH).astype("boolean")
    if kind == "number":
        return numbers_of(values)
    return times_of(values, timezone)


_NEVER = frozenset({("boolean", "number"), ("boolean", "time"), ("number", "time")})
"""What is never read so, as (found, trained)."""


def _nothing(rows: int, kind: str) -> Column:
    """A column of this kind without a value."""
    if kind == "time":
        return time_series(np.zeros(rows, dtype=np.int64), np.ones(rows, dtype=np.bool_))
    if kind == "number":
        return pd.Series(np.full(rows, np.nan))
    return pd.Series(pd.array([pd.NA] * rows, dtype="boolean" if kind == "boolean" else STRING))


def _whole_as_text(values: Column) -> Column:
    """Values as text, a whole number without a fraction, as readers of untyped cells write it."""
    text = as_text(values)
    if not pd.api.types.is_float_dtype(values.dtype):
        return text
    return text.str.removesuffix(".0")


def _changed_type(log: EventLog, column: str, kind: str, found: Column) -> LogError:
    """What a column holds and where, and what training saw there."""
    values = log.frame[column]
    odd = values.notna().to_numpy(dtype=bool) & found.isna().to_numpy(dtype=bool)
    rows: NDArray[np.intp] = np.flatnonzero(odd)
    context: dict[str, Any] = {"column": column, "count": len(rows), "value": str(values.iloc[rows[0]])}
    if log.lines is not None:
        context[log.line_unit] = int(log.lines[rows[0]])
    return LogError(
        f"{log.source.name}: column '{column}' holds {WORDS[kind_of(values)]}, but the model was trained on "
        f"{WORDS[kind]}: {len(rows):,} of {len(values):,} values are no {WORDS[kind]}, "
        f"first {cells(log, column, odd)}",
        code="log.type",
        hint=_what_to_do(kind, found),
        context=context,
    )


def _what_to_do(kind: str, found: Column) -> str:
    mend = f"write {WORDS[kind]} there or leave the cells empty, or train again on a log like this one"
    return f"--bad-value missing reads them as empty; or {mend}" if found.notna().any() else mend
