"""Coded text to typed pandas columns: whole numbers, numbers, booleans, times, or text as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.raw import LARGEST_EXACT, UNTYPED, Column, TextColumn, UniformTexts, with_missing
from pmlcli.eventlog.times.parse import iso_times, uniform_times

STRING = pd.StringDtype(storage="python", na_value=np.nan)
TIME = "datetime64[us, UTC]"

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_COMMA_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,[0-9]+)?")
_POINT_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_EITHER_WAY = re.compile(r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})?")
"""Written like this, 1,234 may be a thousand and more, or little more than one."""
_XES_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN")
_XES_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_ANY_WHOLE = re.compile(r"[+-]?[0-9]+")
INEXACT = "kept as text: whole numbers of so many digits would become equal"
_SHORTEST_INEXACT, _LONGEST_INT = 16, 20
_BOOLEANS = {"true": True, "false": False}


def typed(
    column: Column, timezone: str, decimal: str | None = None, kind: str | None = None
) -> tuple[pd.Series, str | None]:
    """The column as pandas holds it, and a remark when its values are not as one would think.

    A column that declares no type stays text where `kind` says so.
    """
    if kind == "text" and isinstance(column, UniformTexts):
        column = column.coded()
    if kind == "text" and isinstance(column, TextColumn) and column.kind == UNTYPED:
        return text_series(*column.used()), None
    if isinstance(column, UniformTexts):
        micros = uniform_times(column, timezone)
        return typed(column.coded(), timezone, decimal) if micros is None else (time_series(micros), None)
    if not isinstance(column, TextColumn):
        return _exact(column.reset_index(drop=True))
    codes, values = column.used()
    if column.kind == UNTYPED:
        return _inferred(codes, values, timezone, decimal)
    if column.kind in _DECLARED and len(values):
        converted = _DECLARED[column.kind](codes, list(values), timezone)
        if converted is None and column.kind in ("int", "float") and any(map(is_inexact, values)):
            return text_series(codes, values), INEXACT
        if converted is None:
            return text_series(codes, values), "kept as text: some values are not of its declared type"
        return converted, None
    return text_series(codes, values), None


def text_series(codes: NDArray[np.int32], values: NDArray[np.object_]) -> pd.Series:
    """Coded text as a pandas text column; missing where the code is -1."""
    return pd.Series(with_missing(values, np.nan)[codes], dtype=STRING, copy=False)


def time_series(micros: NDArray[np.int64], missing: NDArray[np.bool_] | None = None) -> pd.Series:
    """Microseconds since 1970 as a UTC time column."""
    stamps = micros.view("datetime64[us]")
    if missing is not None and missing.any():
        stamps = np.where(missing, np.datetime64("NaT"), stamps)
    return pd.Series(stamps, copy=False).dt.tz_localize("UTC")  # which makes a copy


def is_inexact(text: str) -> bool:
    """Whether a text is a whole number that another one would be equal to as a float."""
    return (
        len(text) >= _SHORTEST_INEXACT
        and _ANY_WHOLE.fullmatch(text) is not None
        and (len(text) > _LONGEST_INT or abs(int(text)) > LARGEST_EXACT)
    )


def _exact(column: pd.Series) -> tuple[pd.Series, str | None]:
    """A typed column; one of whole numbers beyond `LARGEST_EXACT` as text, with a remark."""
    if not pd.api.types.is_integer_dtype(column.dtype):
        return column, None
    codes, values = pd.factorize(column)
    if not any(abs(int(value)) > LARGEST_EXACT for value in (values.min(), values.max()) if len(values)):
        return column, None
    texts = np.array([str(value) for value in values], dtype=object)
    return text_series(codes.astype(np.int32), texts), INEXACT


def _inferred(
    codes: NDArray[np.int32], values: NDArray[np.object_], timezone: str, decimal: str | None
) -> tuple[pd.Series, str | None]:
    """A CSV cell has no type: a column is a number, boolean or time when each of its values is one."""
    texts = list(values)
    if "," in "\n".join(texts):
        series, remark = _with_commas(codes, texts, decimal)
        return (text_series(codes, values) if series is None else series), remark
    if texts and decimal == ",":
        texts = [text.replace(".", "") if _COMMA_NUMBER.fullmatch(text) else text for text in texts]
    if any(map(is_inexact, texts)) and all(map(_NUMBER.fullmatch, texts)):
        return text_series(codes, values), INEXACT
    for infer in (_whole, _number, _boolean, _time):
        series = infer(codes, texts, timezone) if texts else None
        if series is not None:
            return series, None
    return text_series(codes, values), None


def _with_commas(
    codes: NDArray[np.int32], texts: list[str], decimal: str | None
) -> tuple[pd.Series | None, str | None]:
    """Numbers with a comma: for the decimals, or for thousands where `decimal` is a point; else None."""
    if decimal != "." and all(map(_COMMA_NUMBER.fullmatch, texts)):
        if decimal is None and all(map(_EITHER_WAY.fullmatch, texts)):
            example = next(text for text in texts if "," in text)
            return None, f"kept as text: {example} can be read in two ways (--decimal , or --decimal .)"
        plain = [text.replace(".", "").replace(",", ".") for text in texts]
        if any(map(is_inexact, plain)):
            return None, INEXACT
        return _number(codes, plain, ""), "numbers with a decimal comma"
    if decimal == "." and all(map(_POINT_NUMBER.fullmatch, texts)):
        plain = [text.replace(",", "") for text in texts]
        if any(map(is_inexact, plain)):
            return None, INEXACT
        return _number(codes, plain, ""), "numbers with commas for thousands"
    return None, None


def _whole(
    codes: NDArray[np.int32], texts: list[str], timezone: str, pattern: re.Pattern[str] = _WHOLE
) -> pd.Series | None:
    if not all(map(pattern.fullmatch, texts)):
        return None
    numbers = list(map(int, texts))
    if max(map(abs, numbers)) > LARGEST_EXACT:
        return None
    data = np.append(np.array(numbers, dtype=np.int64), 1)[codes]
    return pd.Series(pd.arrays.IntegerArray(data, codes < 0))


def _number(
    codes: NDArray[np.int32], texts: list[str], timezone: str, pattern: re.Pattern[str] = _NUMBER
) -> pd.Series | None:
    if not all(map(pattern.fullmatch, texts)) or any(map(is_inexact, texts)):
        return None
    return pd.Series(np.append(np.array(list(map(float, texts))), np.nan)[codes])


def _boolean(codes: NDArray[np.int32], texts: list[str], timezone: str) -> pd.Series | None:
    known = [_BOOLEANS.get(text.lower()) for text in texts]
    if None in known:
        return None
    data = np.append(np.array(known, dtype=bool), False)[codes]
    return pd.Series(pd.arrays.BooleanArray(data, codes < 0))


def _time(codes: NDArray[np.int32], texts: list[str], timezone: str) -> pd.Series | None:
    micros = iso_times(texts, timezone)
    return None if micros is None else time_series(np.append(micros, 0)[codes], codes < 0)


def iso_time_series(values: pd.Series, timezone: str) -> pd.Series:
    """A text column as UTC times; all missing where one of them is no ISO 8601 time."""
    codes, texts = pd.factorize(values)
    found = _time(codes.astype(np.int32), [str(text) for text in texts], timezone)
    if found is not None:
        return found
    return time_series(np.zeros(len(values), dtype=np.int64), np.ones(len(values), dtype=np.bool_))


def _xes_whole(codes: NDArray[np.int32], texts: list[str], timezone: str) -> pd.Series | None:
    return _whole(codes, texts, timezone, _XES_WHOLE)


def _xes_number(codes: NDArray[np.int32], texts: list[str], timezone: str) -> pd.Series | None:
    return _number(codes, texts, timezone, _XES_NUMBER)


_DECLARED: dict[str, Callable[..., Any]] = {
    "int": _xes_whole,
    "float": _xes_number,
    "boolean": _boolean,
    "date": _time,
}
