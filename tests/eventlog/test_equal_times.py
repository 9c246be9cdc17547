"""Events at equal times, and the column that numbers them."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from pmlcli.eventlog import EventLog, read_log

STEPS = ("A", "B", "C", "D")


def rows(name: str, number: Any, *, cases: int = 20) -> list[dict[str, Any]]:
    """Cases of which the first two events, and the last two, share a time; stored in disorder."""
    draw, found = random.Random(3), []
    for case in range(cases):
        for place, step in enumerate(STEPS):
            day = pd.Timestamp("2024-01-05", tz="UTC") + pd.Timedelta(days=case + place // 2)
            event = {"case_id": f"c{case}", "activity": step, "timestamp": day}
            found.append(event | {name: number(case, place)})
    draw.shuffle(found)
    return found


def variants(log: EventLog) -> set[str]:
    return set(log.frame.groupby("case_id")["activity"].agg("".join))


COUNTERS = {
    "Celonis": ("_SORTING", lambda case, place: 10 * (place + 1)),
    "a rank that goes back in time": ("_SORTING", lambda case, place: (10, 20, 5, 15)[place]),
    "UiPath": ("Activity_order", lambda case, place: (3, 4, 1, 2)[place]),
    "number in the case": ("event_nr", lambda case, place: place + 1),
    "number in the log": ("event_index", lambda case, place: 4 * case + place),
    "numbers as text": ("sequence", lambda case, place: str(place)),
    "no known name": ("q", lambda case, place: 7 * (4 * case + place)),
}


@pytest.mark.parametrize("case", COUNTERS)
def test_a_column_that_numbers_events_orders_equal_times(case: str) -> None:
    log = read_log(rows(*COUNTERS[case]))
    assert variants(log) == {"ABCD"}
    assert any("put into the order of" in kind for kind, _ in log.ledger.notes)
    assert not any("in source order" in kind for kind, _ in log.ledger.notes)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_order_of_the_rows_no_longer_matters(is_reversed: bool) -> None:
    stored = rows("event_nr", lambda case, place: place)
    log = read_log(stored[::-1] if is_reversed else stored)
    assert variants(log) == {"ABCD"}


OTHERS = {
    "goes back in time": ("event_nr", lambda case, place: (3, 4, 1, 2)[place]),
    "few cases, no known name": ("q", lambda case, place: place),
    "does not tell them apart": ("event_nr", lambda case, place: place // 2),
    "fractions": ("q", lambda case, place: case + place / 7),
    "chance": ("q", lambda case, place: (case * 31 + place * 17) % 11),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_columns_order_nothing(case: str) -> None:
    name, number = OTHERS[case]
    stored = rows(name, number, cases=5 if "few" in case else 20)
    log, plain = read_log(stored), read_log([{k: v for k, v in row.items() if k != name} for row in stored])
    assert log.frame["activity"].tolist() == plain.frame["activity"].tolist()
    doubted = any(kind.startswith("columns that may order") for kind, _ in log.ledger.notes)
    assert doubted == (case == "goes back in time")


def test_an_order_that_is_asked_for_is_kept() -> None:
    stored = rows("event_nr", lambda case, place: 3 - place)
    assert variants(read_log(stored, order="event_nr")) == {"DCBA"}
