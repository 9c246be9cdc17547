"""`bad_value`: odd cells in columns of numbers, times and truth values, with every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli import Model
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog import EventLog, ReadOptions, read_log
from pmlcli.lifecycle.kinds import kind_of, read_as_trained

N = 60
ODD = (7, 41)
VALUES: dict[str, list[Any]] = {
    "number": [f"{place / 4}" for place in range(N)],
    "time": [f"2024-01-{1 + place % 28:02d}T10:00:00Z" for place in range(N)],
    "boolean": ["true" if place % 3 else "false" for place in range(N)],
}
LENIENT = ReadOptions(bad_value="missing")


def frame(kind: str, odd: str = "n/k") -> pd.DataFrame:
    """Thirty cases of two events with a column `x` of this kind, of which two cells are odd."""
    values = [odd if place in ODD else value for place, value in enumerate(VALUES[kind])]
    return pd.DataFrame(
        {
            "case_id": [f"c{place // 2:02d}" for place in range(N)],
            "activity": ["a", "b"] * (N // 2),
            "timestamp": pd.date_range("2024-03-01", periods=N, freq="h", tz="UTC"),
            "x": values,
        }
    )


def as_csv(place: Path, made: pd.DataFrame) -> Any:
    made.to_csv(place / "log.csv", index=False)
    return place / "log.csv"


def as_parquet(place: Path, made: pd.DataFrame) -> Any:
    pytest.importorskip("pyarrow")
    made.to_parquet(place / "log.parquet")
    return place / "log.parquet"


def as_xes(place: Path, made: pd.DataFrame) -> Any:
    events = {}
    for row in made.itertuples():
        text = (
            f'<event><string key="concept:name" value="{row.activity}"/>'
            f'<date key="time:timestamp" value="{row.timestamp.isoformat()}"/>'
            f'<string key="x" value="{row.x}"/></event>'
        )
        events.setdefault(row.case_id, []).append(text)
    traces = [
        f'<trace><string key="concept:name" value="{case}"/>{"".join(rows)}</trace>'
        for case, rows in events.items()
    ]
    (place / "log.xes").write_text(f'<log xes.version="1.0">{"".join(traces)}</log>')
    return place / "log.xes"


def as_ocel(place: Path, made: pd.DataFrame) -> Any:
    import json

    cases = sorted(set(made["case_id"]))
    document = {
        "objectTypes": [{"name": "order", "attributes": []}],
        "eventTypes": [
            {"name": name, "attributes": [{"name": "x", "type": "string"}]} for name in ("a", "b")
        ],
        "objects": [{"id": case, "type": "order", "attributes": [], "relationships": []} for case in cases],
        "events": [
            {
                "id": f"e{row.Index}",
                "type": row.activity,
                "time": row.timestamp.isoformat(),
                "attributes": [{"name": "x", "value": row.x}],
                "relationships": [{"objectId": row.case_id, "qualifier": "of"}],
            }
            for row in made.itertuples()
        ],
    }
    (place / "log.json").write_text(json.dumps(document))
    return place / "log.json"


READERS = {
    "csv": as_csv,
    "parquet": as_parquet,
    "xes": as_xes,
    "ocel": as_ocel,
    "frame": lambda _place, made: made,
    "events": lambda _place, made: made.to_dict("records"),
}
every_reader = pytest.mark.parametrize("reader", READERS)


def options_of(reader: str, **more: Any) -> ReadOptions:
    return ReadOptions(object_type="order" if reader == "ocel" else None, **more)


def odd_notes(log: EventLog) -> dict[str, int]:
    return {kind: count for kind, count in log.ledger.notes if "read as empty" in kind}


@every_reader
@pytest.mark.parametrize("kind", ["number", "time"])
def test_odd_cells_are_empty_and_counted_in_training(reader: str, kind: str, tmp_path: Path) -> None:
    source = READERS[reader](tmp_path, frame(kind))
    log = read_log(source, options_of(reader, bad_value="missing"))
    assert kind_of(log.frame["x"]) == kind
    assert np.flatnonzero(log.frame["x"].isna()).tolist() == list(ODD)
    ((note, count),) = odd_notes(log).items()
    assert count == len(ODD)
    assert note.startswith(f"cells of 'x' that are no {kind}s, read as empty ('n/k'")
    assert log.n_events == N, "no row is lost"


@every_reader
def test_without_the_option_the_column_is_text_as_it_was(reader: str, tmp_path: Path) -> None:
    log = read_log(READERS[reader](tmp_path, frame("number")), options_of(reader))
    assert kind_of(log.frame["x"]) == "text"
    assert not odd_notes(log)


@every_reader
@pytest.mark.parametrize("kind", VALUES)
def test_odd_cells_are_empty_and_counted_where_a_model_wants_the_kind(
    reader: str, kind: str, tmp_path: Path
) -> None:
    required = {"case_id": "text", "x": kind}
    options = options_of(reader, bad_value="missing", preferred_kinds=required)
    read = read_log(READERS[reader](tmp_path, frame(kind)), options)
    log = read_as_trained(read, required, "missing")
    assert kind_of(log.frame["x"]) == kind
    assert np.flatnonzero(log.frame["x"].isna()).tolist() == list(ODD)
    assert list(odd_notes(log).values()) == [2]
    with pytest.raises(LogError, match="2 of 60 values are no") as caught:
        read_as_trained(read, required)
    assert "--bad-value missing" in str(caught.value.hint)
    assert "'n/k'" in caught.value.message


def test_the_error_names_the_cells_with_file_line_and_column(tmp_path: Path) -> None:
    required = {"x": "number"}
    read = read_log(as_csv(tmp_path, frame("number")), preferred_kinds=required)
    with pytest.raises(LogError) as caught:
        read_as_trained(read, required)
    assert caught.value.message.startswith("log.csv: column 'x'")
    assert caught.value.message.endswith("first 'n/k' in line 9, 'n/k' in line 43")


def test_a_column_without_one_value_of_the_kind_is_still_refused() -> None:
    required = {"x": "number"}
    read = read_log(frame("boolean"), preferred_kinds=required)
    with pytest.raises(LogError, match="trained on numbers") as caught:
        read_as_trained(read, required, "missing")
    assert "--bad-value" not in str(caught.value.hint)


def test_a_column_that_a_model_took_as_text_stays_text() -> None:
    log = read_log(frame("number"), bad_value="missing", preferred_kinds={"x": "text"})
    assert kind_of(log.frame["x"]) == "text"
    assert not odd_notes(log)


def test_a_column_of_many_odd_cells_is_text() -> None:
    made = frame("number")
    made.loc[:9, "x"] = "n/k"
    log = read_log(made, bad_value="missing")
    assert kind_of(log.frame["x"]) == "text"


def test_the_roles_are_never_emptied() -> None:
    made = frame("number").assign(activity=[str(place % 7) for place in range(N - 1)] + ["odd"])
    log = read_log(made, bad_value="missing")
    assert log.frame["activity"].notna().all()
    assert "odd" in log.activities


def test_a_model_trains_and_predicts_with_odd_cells(tmp_path: Path) -> None:
    path = as_csv(tmp_path, frame("number"))
    model = Model("anomaly/isolation-forest", numerical_features=("x",), n_estimators=5)
    with pytest.raises(LogError, match="'n/k' in line 9 in case") as caught:
        model.train(path)
    assert "--bad-value missing" in str(caught.value.hint)
    model = Model("anomaly/isolation-forest", numerical_features=("x",), n_estimators=5)
    model.train(path, options=LENIENT)
    assert model.manifest_fields["training_log"]["reading"]["bad_value"] == "missing"
    with pytest.raises(LogError, match="2 of 60 values are no numbers"):
        model.predict(path)
    lenient = model.predict(path, options=LENIENT)
    assert np.isfinite(lenient.predictions["score"]).all()


@pytest.mark.parametrize("value", ["drop", "", "Missing"])
def test_another_value_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="bad_value"):
        ReadOptions(bad_value=value)
