"""Events at equal times, and the column that numbers them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, read_log, write_log
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.profile import profile
from pmlcli.lifecycle.model import Model
from tests.eventlog import test_exact_and_normal as exact

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


def as_ocel(rows: list[dict[str, Any]], place: Path) -> Path:
    """One object a case; attributes of the name "order"."""
    path: Path = exact.as_ocel(
        [row | {"timestamp": row["timestamp"].isoformat()[:19]} for row in rows], place
    )
    document = json.loads(path.read_text())
    document["objects"] = list({found["id"]: found for found in document["objects"]}.values())
    path.write_text(json.dumps(document))
    return path


def as_file(rows: list[dict[str, Any]], place: Path, ending: str) -> Path:
    write_log(read_log(rows, order="row"), place / f"log.{ending}")
    return place / f"log.{ending}"


READERS: dict[str, Callable[[list[dict[str, Any]], Path], Any]] = {
    "dicts": lambda rows, place: rows,
    "frame": lambda rows, place: pd.DataFrame(rows),
    "ocel": as_ocel,
    **{e: partial(as_file, ending=e) for e in ("csv", "csv.gz", "xes", "parquet")},
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("back", [False, True], ids=["onward", "back"])
def test_time_and_then_a_column_may_be_asked_for(reader: str, back: bool, tmp_path: Path) -> None:
    """The column goes back where time goes on, so nothing but the user's word can tell that it orders."""
    if reader == "parquet":
        pytest.importorskip("pyarrow")
    stored = rows("order", lambda case, place: (3, 4, 1, 2)[3 - place if back else place])
    source = READERS[reader](stored, tmp_path)
    assert variants(read_log(source, order="time+order")) == {"BADC" if back else "ABCD"}
    assert variants(read_log(source, order="order")) == {"BADC" if back else "CDAB"}
    log = read_log(source, order="time+order")
    assert log.schema.order == "time+order"
    assert log.times is not None and (np.diff(log.times)[log.position[1:] > 0] >= 0).all()
    assert any("by their time and 'order'" in kind for kind, _ in log.ledger.notes)
    assert "events.equal-times" not in {finding.code for finding in profile(log).findings}


def test_the_finding_on_equal_times_proposes_an_order_that_settles_it() -> None:
    stored = rows(*OTHERS["goes back in time"])
    (found,) = [f for f in profile(read_log(stored)).findings if f.code == "events.equal-times"]
    proposed = found.fix.partition("--order ")[2]
    assert variants(read_log(stored, order=proposed)) == {"ABCD"}


def test_a_model_remembers_an_order_by_time_and_column() -> None:
    stored = rows("event_nr", lambda case, place: (3, 4, 1, 2)[place])
    model = Model("next-activity/ngram")
    model.train(stored, options=ReadOptions(order="time+event_nr"))
    read = read_log(stored, model.read_options(ReadOptions()))
    assert variants(read) == {"ABCD"}
    without = [{k: v for k, v in row.items() if k != "event_nr"} for row in stored]
    with pytest.raises(LogError, match="cannot order by 'event_nr': there is no such column"):
        model.predict(without)


def test_what_cannot_order_equal_times_is_said() -> None:
    stored = rows("event_nr", lambda case, place: place)
    with pytest.raises(LogError, match="cannot order by 'event_n'") as caught:
        read_log(stored, order="time+event_n")
    assert caught.value.hint == "did you mean --order time+event_nr?"
    with pytest.raises(LogError, match="rows cannot be used: no number in 'activity'"):
        read_log(stored, order="time+activity")
    untimed = [{k: v for k, v in row.items() if k != "timestamp"} for row in stored]
    assert variants(read_log(untimed, order="time+event_nr")) == {"ABCD"}
    named = [{("time+event_nr" if k == "event_nr" else k): v for k, v in row.items()} for row in untimed]
    assert variants(read_log(named, order="time+event_nr")) == {"ABCD"}


@pytest.mark.parametrize("order", ["event_nr", "time+event_nr"])
@pytest.mark.parametrize("reader", [name for name in READERS if name != "ocel"])
def test_an_event_without_a_number_to_order_it_is_refused_by_its_place(
    order: str, reader: str, tmp_path: Path
) -> None:
    if reader == "parquet":
        pytest.importorskip("pyarrow")
    stored = rows("order", lambda case, place: None if (case, place) == (7, 2) else place)
    named = order.replace("event_nr", "order")
    source = READERS[reader](stored, tmp_path)
    with pytest.raises(LogError, match="1 of 80 rows cannot be used: no number in 'order', which orders"):
        read_log(source, order=named)
    assert read_log(source, order=named, on_bad_row="drop").n_events == 79
