"""Cases that somebody looked at and accepted: left out of the predictions, for good or until a day."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import CASE_ID
from pmlcli.lifecycle.small_table import read_text
from pmlcli.spreadsheet import unescaped

UNTIL = "until"


class Accepted(NamedTuple):
    """Case ids, and the last day on which each is accepted; None for ever."""

    path: Path
    until: dict[str, date | None]

    def covers(self, cases: pd.Series, today: date) -> NDArray[np.bool_]:
        """Which of these cases are accepted on this day, (rows,)."""
        valid = {case for case, last in self.until.items() if last is None or today <= last}
        return cases.isin(valid).to_numpy(dtype=bool)

    def expired(self, today: date) -> int:
        """How many are not accepted any more."""
        return sum(last is not None and today > last for last in self.until.values())


def read_accepted(path: Path) -> Accepted:
    """A CSV with a case id a line, and a last day where it is not for ever: `case_id,until,note`.

    A header line is optional; further columns and empty lines are passed over. ValidationError, with the
    line, for a day that is none, and for a case given twice with different days.
    """
    until: dict[str, date | None] = {}
    for line, cells in _rows(path):
        case, last = unescaped(cells[0].strip()), _day(path, line, cells[1].strip())
        if until.setdefault(case, last) != last:
            raise _wrong(path, line, f"case '{case}' stands there twice, with different days")
    return Accepted(path, until)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and the first two cells of each row below the header."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        for place, cells in enumerate(reader):
            head = [cell.strip().lower() for cell in cells]
            if place == 0 and head[:1] == [CASE_ID]:
                if UNTIL in head[2:]:
                    raise _wrong(path, 1, f"the column '{UNTIL}' is to be the second")
            elif any(head):
                yield reader.line_num, [*cells, ""][:2]
    except csv.Error as error:
        raise _wrong(path, reader.line_num, f"no CSV: {error}") from error


def today_in(moment: datetime, timezone: str) -> date:
    """The day of a moment on the zone's clock."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def _day(path: Path, line: int, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _wrong(path, line, f"'{text}' is no day") from error


def _wrong(path: Path, line: int, what: str) -> ValidationError:
    return ValidationError(
        f"{path}: line {line}: {what}",
        hint="write a case id a line, and after a comma the last day for which that holds: 4711,2024-12-31",
        context={"path": str(path), "line": line},
    )
