"""Small logs of the shapes that real ones have, a case a day so that forecasters have days enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

Event = dict[str, Any]
DAYS = 104
PATH = ("Open", "Check", "Close")
ODD_NAMES = (
    "two words", " blanks around ", "\"double\" and 'single'", "line\nend", "carriage\r\nreturn", "tab\tstop",
    "שלום עולם", "مرحبا", "right \u202eto left", "comma, semicolon; pipe|", "Ä ß é 漢字 🙂", "a" * 300,
    "{brace} %s \\n $HOME", "=1+1", "null", "NaN", "-1", "<b>", "__class__", "case_id",
)  # fmt: skip
KINDS = ("text", "number", "truth", "time", "constant", "empty", "of the case")


def value_of(column: int, case: int, step: int) -> Any:
    """The value of the column, whose kind is `KINDS[column % 7]`."""
    mixed = (case * 7 + step * 3 + column) % (column + 2)
    kind = KINDS[column % len(KINDS)]
    return {
        "text": f"v{mixed}",
        "number": mixed * 1.5,
        "truth": mixed % 2 == 0,
        "time": pd.Timestamp("2020-01-01", tz="UTC") + pd.Timedelta(days=mixed),
        "constant": "same",
        "empty": None,
        "of the case": f"c{case % (column + 2)}",
    }[kind]


def log(
    names: Callable[[int], tuple[str, ...]] = lambda _case: PATH,
    columns: tuple[str, ...] = (),
    case_name: Callable[[int], str] = "case-{}".format,
    resource: Callable[[int], str] = lambda step: ("Ann", "Bob")[step % 2],
    days: int = DAYS,
) -> list[Event]:
    """A case a day of the activities that `names` gives it, and every third one without its end."""
    begin = pd.Timestamp("2024-01-01 08:00", tz="UTC")
    return [
        {
            "case_id": case_name(case),
            "activity": activity,
            "timestamp": begin + pd.Timedelta(days=case, minutes=step * (11 + case % 5)),
            "resource": resource(case + step),
            **{name: value_of(place, case, step) for place, name in enumerate(columns)},
        }
        for case in range(days)
        for step, activity in enumerate(names(case))
    ]


def rework(case: int) -> tuple[str, ...]:
    """Open, some checks, Close in two of three."""
    return ("Open", *("Check",) * (1 + case % 3), *(("Close",) if case % 3 else ("Reject",)))


def many(case: int) -> tuple[str, ...]:
    """Four of 200 activities."""
    return tuple(f"activity {(case * 4 + step) % 200}" for step in range(4))


def odd(case: int) -> tuple[str, ...]:
    """Three odd names."""
    return tuple(ODD_NAMES[(case + step) % len(ODD_NAMES)] for step in range(3))


def columns(count: int) -> tuple[str, ...]:
    """Names of so many attributes."""
    return tuple(f"attribute {place}" for place in range(count))


def texts(count: int) -> list[Event]:
    """A log with so many text columns, each of another number of values."""
    rows = log(rework)
    for place, event in enumerate(rows):
        event.update({f"text {column}": f"v{(place * 5 + column) % (column + 2)}" for column in range(count)})
    return rows


SHAPES: dict[str, Callable[[], list[Event]]] = {
    "no attribute": lambda: [
        {name: event[name] for name in ("case_id", "activity", "timestamp")} for event in log(rework)
    ],
    "1 attribute": lambda: log(rework, columns(1)),
    "12 texts": lambda: texts(12),
    "40 attributes": lambda: log(rework, columns(40)),
    "200 activities": lambda: log(many),
    "one activity": lambda: log(lambda case: ("Only",) * (1 + case % 4)),
    "odd names": lambda: log(
        odd, ODD_NAMES[:8], lambda case: f"{ODD_NAMES[case % 20]} {case}", lambda step: ODD_NAMES[step % 20]
    ),
    "cases of one event": lambda: log(lambda case: (PATH[case % 3],)),
    "a case of 5,000": lambda: log(lambda case: PATH * 1667 if case == 3 else rework(case)),
}
