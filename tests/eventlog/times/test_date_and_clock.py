"""Date and time of day in two columns: joined as asked, found where it is plain, told where it is not."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, ReadOptions, read_log
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import retraining_on, verify_model

HEAD = "case_id,activity,date,time\n"
ROWS = "1,a,2024-01-05,09:30\n1,b,2024-01-05,08:15:30.25\n2,a,2024-01-06,10:00 PM\n"


def csv(place: Path, text: str) -> Path:
    path = place / "x.csv"
    path.write_text(text)
    return path


def times(log: EventLog) -> list[str]:
    assert log.times is not None
    return [str(moment) for moment in log.times.view("datetime64[us]").astype("datetime64[s]")]


def test_a_date_and_a_clock_are_found_and_told(tmp_path: Path) -> None:
    log = read_log(csv(tmp_path, HEAD + ROWS), timezone="Asia/Tokyo")
    assert times(log) == ["2024-01-04T23:15:30", "2024-01-05T00:30:00", "2024-01-06T13:00:00"]
    assert log.schema.columns["timestamp"] == "date+time"
    assert ("'date' and 'time' taken together as timestamp", 3) in log.ledger.notes
    assert list(log.frame.columns) == ["case_id", "activity", "timestamp"]


def test_pairs_of_start_and_end_are_found(tmp_path: Path) -> None:
    text = "case_id,activity,Start Date,Start Time,End Date,End Time\n"
    log = read_log(csv(tmp_path, text + "1,a,25.1.2024,9:30,26.1.2024,0:15\n"))
    assert times(log) == ["2024-01-26T00:15:00"]
    assert str(log.frame["start_timestamp"][0]) == "2024-01-25 09:30:00+00:00"
    started = read_log(csv(tmp_path, "case_id,activity,start date,start time\n1,a,2024-01-25,9:30\n"))
    assert (times(started), started.schema.columns["timestamp"]) == (
        ["2024-01-25T09:30:00"],
        "start date+start time",
    )


@pytest.mark.parametrize(
    ("names", "cells", "asked", "expected"),
    [
        ("UDATE,UTIME", "20240105,093000", "UDATE+UTIME", "2024-01-05T09:30:00"),
        ("Datum,Uhrzeit", "2024-01-05 00:00:00,09:30", "Datum + Uhrzeit", "2024-01-05T09:30:00"),
        ("a+b,c", "05-Jan-2024,09:30+01:00", "a+b+c", "2024-01-05T08:30:00"),
        ("date,time,date+time", "2024-01-05,09:30,2020-01-01", "date+time", "2020-01-01T00:00:00"),
        ("date,begin,end", "2024-01-05,09:30,10:30", "date+end", "2024-01-05T10:30:00"),
    ],
)
def test_any_two_columns_are_joined_as_asked(
    names: str, cells: str, asked: str, expected: str, tmp_path: Path
) -> None:
    path = csv(tmp_path, f"case_id,activity,{names}\n1,a,{cells}\n")
    columns = {"timestamp": asked, "start_timestamp": "none"}
    assert times(read_log(path, columns=columns)) == [expected]


def test_both_roles_may_share_a_date(tmp_path: Path) -> None:
    path = csv(tmp_path, "case_id,activity,day,from,to\n1,a,2024-01-05,09:30,10:30\n")
    log = read_log(path, columns={"timestamp": "day+to", "start_timestamp": "day+from"})
    assert str(log.frame["start_timestamp"][0]) == "2024-01-05 09:30:00+00:00"
    assert list(log.frame.columns) == ["case_id", "activity", "timestamp", "start_timestamp"]


def test_a_format_is_that_of_both_with_a_blank_between(tmp_path: Path) -> None:
    path = csv(tmp_path, HEAD + "1,a,5|1|24,9h30\n")
    log = read_log(path, columns={"timestamp": "date+time"}, timestamp_format="%d|%m|%y %Hh%M")
    assert times(log) == ["2024-01-05T09:30:00"]


def test_a_row_without_one_of_both_has_no_time(tmp_path: Path) -> None:
    path = csv(tmp_path, HEAD + ROWS + "3,a,2024-01-06,\n4,a,,10:00\n")
    with pytest.raises(LogError, match=r"2 of 5 rows cannot be used: no timestamp \(2; first: line 5"):
        read_log(path)
    assert read_log(path, on_bad_row="drop").ledger.refused[0].lines == (5, 6)


def test_days_in_doubt_are_told_by_their_lines(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"column 'date\+time'.*'03/04/2024 09:30' \(line 2\)"):
        read_log(csv(tmp_path, HEAD + "1,a,03/04/2024,09:30\n"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "case_id,activity,date,Date,time\n1,a,2024-01-05,2024-01-06,09:30\n",
            "not a time",
            "date+time joins",
        ),
        ("case_id,activity,Datum,time\n1,a,2024-01-05,09:30\n", "not a time", "timestamp=Datum+time joins"),
        ("case_id,activity,x,time\n1,a,y,09:30\n", "not a time", "write date and time into one column"),
        (
            "case_id,activity,timestamp,time\n1,a,2024-01-05,09:30\n",
            "several columns could be 'timestamp'",
            "or --columns timestamp=timestamp+time or",
        ),
    ],
)
def test_what_is_not_plain_is_told(text: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=message) as caught:
        read_log(csv(tmp_path, text))
    assert hint in str(caught.value.hint)


def test_names_that_are_not_there_are_told(tmp_path: Path) -> None:
    path = csv(tmp_path, HEAD + ROWS)
    with pytest.raises(LogError, match=r"column 'dat\+time' not found") as caught:
        read_log(path, columns={"timestamp": "dat+time"})
    assert caught.value.hint == "did you mean --columns timestamp=date+time?"
    with pytest.raises(LogError, match=r"column 'date\+time' not found"):
        read_log(path, columns={"resource": "date+time"})


def test_dates_beside_a_clock_are_noted(tmp_path: Path) -> None:
    log = read_log(csv(tmp_path, "case_id,activity,timestamp,at\n1,a,2024-01-05,09:30\n"))
    note = "timestamp without a time of day, which 'at' may be (--columns timestamp=timestamp+at)"
    assert (note, 1) in log.ledger.notes


@pytest.mark.parametrize("cell", ["2024-01-05", "2024-01-05T10:00:00Z", "25.1.2024 10:00", "13.1.24"])
def test_a_date_alone_is_the_time(cell: str, tmp_path: Path) -> None:
    log = read_log(csv(tmp_path, f"case_id,activity,date\n1,a,{cell}\n"))
    assert log.schema.columns["timestamp"] == "date"


@pytest.mark.parametrize(
    ("names", "cells"), [("date", "soon"), ("date,start", "2024-01-05,2024-01-01"), ("date", "")]
)
def test_a_date_that_is_none_or_not_needed_stays_an_attribute(names: str, cells: str, tmp_path: Path) -> None:
    log = read_log(csv(tmp_path, f"case_id,activity,{names}\n1,a,{cells}\n"))
    assert "date" in log.frame.columns


def test_typed_columns_are_joined(tmp_path: Path) -> None:
    frame = pd.DataFrame({"case_id": ["1", "1"], "activity": ["a", "b"], "time": [time(9, 30), time(8, 15)]})
    days = np.array(["2024-01-05", "2024-01-05"], dtype="datetime64[us]")
    for column in (days, [date(2024, 1, 5)] * 2):
        assert times(read_log(frame.assign(date=column))) == ["2024-01-05T08:15:00", "2024-01-05T09:30:00"]


def test_a_model_reads_new_logs_and_its_own_again_in_the_same_way(tmp_path: Path) -> None:
    head = "case_id,activity,Tag,Uhr\n"
    rows = "".join(f"{c},{a},2024-01-{c + 1:02},1{2 - a}:0{c % 7}\n" for c in range(30) for a in range(3))
    log = csv(tmp_path, head + rows)
    model = Model("next-activity/ngram")
    model.train(str(log), options=ReadOptions(columns={"timestamp": "Tag+Uhr"}))
    saved = model.save(tmp_path / "m").path
    loaded = Model.load(saved)
    newer = tmp_path / "new.csv"
    newer.write_text(head + "1,1,2024-02-01,11:00\n1,2,2024-02-01,10:00\n")
    assert times(read_log(newer, loaded.read_options(ReadOptions()))) == [
        "2024-02-01T10:00:00",
        "2024-02-01T11:00:00",
    ]
    assert verify_model(saved, retrain=retraining_on(log)).results[-1].verdict == "pass"
