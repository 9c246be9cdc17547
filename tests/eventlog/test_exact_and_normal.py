"""Whole numbers that floats cannot tell apart stay text, and text has one normal form, in every reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import log_pieces, read_log
from pmlcli.eventlog.log import EventLog

BIG = (2**53 + 1, 2**53 + 2, 12345678901234567890, 12345678901234567891)
COMPOSED, IN_PARTS = "Pr\u00fcfen", "Pru\u0308fen"


def events(values: Any, activities: Any) -> list[dict[str, Any]]:
    return [
        {"case_id": f"c{i}", "activity": a, "timestamp": f"2024-01-0{i + 1}T08:00:00", "order": v}
        for i, (v, a) in enumerate(zip(values, activities, strict=True))
    ]


def as_csv(rows: list[dict[str, Any]], place: Path) -> Any:
    pd.DataFrame(rows).astype(str).to_csv(place / "log.csv", index=False)
    return place / "log.csv"


def as_xes(rows: list[dict[str, Any]], place: Path, kind: str = "int") -> Any:
    traces = "".join(
        f'<trace><string key="concept:name" value="{row["case_id"]}"/><event>'
        f'<string key="concept:name" value="{row["activity"]}"/>'
        f'<date key="time:timestamp" value="{row["timestamp"]}"/>'
        f'<{kind} key="order" value="{row["order"]}"/></event></trace>'
        for row in rows
    )
    (place / "log.xes").write_text(f"<log>{traces}</log>", encoding="utf-8")
    return place / "log.xes"


def as_xes_floats(rows: list[dict[str, Any]], place: Path) -> Any:
    return as_xes(rows, place, "float")


def as_frame(rows: list[dict[str, Any]], place: Path) -> Any:
    frame = pd.DataFrame(rows)
    is_number = all(isinstance(row["order"], int) for row in rows)
    return frame.assign(order=frame["order"].astype("uint64")) if is_number else frame


def as_parquet(rows: list[dict[str, Any]], place: Path) -> Any:
    pytest.importorskip("pyarrow")
    as_frame(rows, place).to_parquet(place / "log.parquet")
    return place / "log.parquet"


def as_dicts(rows: list[dict[str, Any]], place: Path) -> Any:
    return rows


def as_ocel(rows: list[dict[str, Any]], place: Path) -> Any:
    number = {"name": "order", "type": "integer"}
    types = dict.fromkeys(row["activity"] for row in rows)
    document = {
        "objectTypes": [{"name": "case", "attributes": []}],
        "eventTypes": [{"name": name, "attributes": [number]} for name in types],
        "objects": [{"id": row["case_id"], "type": "case"} for row in rows],
        "events": [
            {
                "id": f"e{i}",
                "type": row["activity"],
                "time": row["timestamp"] + "Z",
                "attributes": [{"name": "order", "value": row["order"]}],
                "relationships": [{"objectId": row["case_id"], "qualifier": "of"}],
            }
            for i, row in enumerate(rows)
        ],
    }
    (place / "log.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return place / "log.json"


READERS = (as_csv, as_xes, as_xes_floats, as_frame, as_parquet, as_dicts, as_ocel)
every_reader = pytest.mark.parametrize("reader", READERS)


def column(log: EventLog, name: str = "order") -> list[Any]:
    return list(log.frame[name])


def noted(log: EventLog, what: str) -> bool:
    return any(what in kind for kind, _count in log.ledger.notes)


@every_reader
def test_whole_numbers_beyond_what_a_float_holds_stay_text(reader: Any, tmp_path: Path) -> None:
    log = read_log(reader(events(BIG, "ABCD"), tmp_path))
    assert column(log) == [str(number) for number in BIG]
    assert noted(log, "'order': kept as text: whole numbers of so many digits")


@every_reader
def test_the_largest_exact_number_is_one(reader: Any, tmp_path: Path) -> None:
    log = read_log(reader(events((2**53, 1, 2, 3), "ABCD"), tmp_path))
    assert pd.api.types.is_numeric_dtype(log.frame["order"].dtype)
    assert column(log) == [2**53, 1, 2, 3]
    assert not noted(log, "kept as text")


@pytest.mark.parametrize("decimal", [None, ",", "."])
def test_beside_fractions_and_with_thousands_they_stay_text_too(decimal: str | None, tmp_path: Path) -> None:
    mark = "." if decimal is None else decimal
    values = ("12345678901234567890", "12345678901234567891", f"1{mark}5", "3")
    log = read_log(as_csv(events(values, "ABCD"), tmp_path), decimal=decimal)
    assert column(log)[:2] == list(values[:2])
    assert noted(log, "whole numbers of so many digits")


@pytest.mark.parametrize("ending", ["csv", "xes", "parquet"])
def test_what_was_kept_is_written_and_read_again(ending: str, tmp_path: Path) -> None:
    log = read_log(as_csv(events(BIG, "ABCD"), tmp_path))
    path = tmp_path / f"again.{ending}"
    path.write_bytes(b"".join(log_pieces(log, path.name)))
    assert column(read_log(path)) == column(log)


@pytest.mark.parametrize("reader", [r for r in READERS if r is not as_xes_floats])
def test_text_has_one_normal_form(reader: Any, tmp_path: Path) -> None:
    odd = (COMPOSED, IN_PARTS, f"{COMPOSED} ", f"\u00a0{IN_PARTS}\t")
    log = read_log(reader(events((1, 2, 3, 4), odd), tmp_path))
    assert log.activities == (COMPOSED,)
    assert np.unique(log.activity_codes).tolist() == [0]
    assert [count for kind, count in log.ledger.notes if "letters in parts" in kind] == [3]


def test_upper_and_lower_case_are_kept_apart() -> None:
    log = read_log(events((1, 2), ("Pay", "pay")))
    assert log.activities == ("Pay", "pay")


def test_cases_that_differ_in_blanks_are_one_and_it_is_noted() -> None:
    rows = events((1, 2), ("A", "B"))
    log = read_log([rows[0] | {"case_id": "c "}, rows[1] | {"case_id": "c"}])
    assert log.n_cases == 1
    assert noted(log, "values of 'case_id' with blanks")


def test_a_value_of_blanks_alone_is_none_and_columns_have_normal_names() -> None:
    rows = [row | {f"{IN_PARTS} ": "  "} for row in events((1, 2), ("A", "B"))]
    log = read_log(rows)
    assert log.frame[COMPOSED].isna().all()
    assert noted(log, f"'{COMPOSED}' read by its normal name")


@every_reader
@pytest.mark.parametrize("blank", [" ", "\t ", "\u00a0"])
def test_an_activity_of_blanks_alone_is_refused_by_its_place(reader: Any, blank: str, tmp_path: Path) -> None:
    source = reader(events((1, 2, 3), ("A", blank, "B")), tmp_path)
    with pytest.raises(LogError, match=r"no activity \(1; first: (line|row|event) \d+") as caught:
        read_log(source)
    assert caught.value.exit_code == 3 and "--on-bad-row drop" in str(caught.value.hint)
    log = read_log(source, on_bad_row="drop")
    assert log.activities == ("A", "B") and log.n_events == 2


def test_two_columns_whose_names_would_be_equal_keep_theirs() -> None:
    rows = [row | {COMPOSED: "x", IN_PARTS: "y"} for row in events((1, 2), ("A", "B"))]
    assert {COMPOSED, IN_PARTS} <= set(read_log(rows).frame.columns)
