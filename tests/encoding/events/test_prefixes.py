"""Prefixes as tables: nothing from later, nothing from a case's end, and the same after a reload."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.encoding.attributes import is_identifier, is_twin
from pmlcli.encoding.events.attributes_of_events import EventEncoding
from pmlcli.encoding.events.inter_case import INTER_CASE_FEATURES
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.table import table_columns, tabulate
from pmlcli.errors import LogError
from pmlcli.eventlog.filters import up_to
from pmlcli.eventlog.log import EventLog
from tests.logs import log_of, purchase_events, purchase_log, trace_log

FORMS = pytest.mark.parametrize("form", ["rank", "one-hot"])


def encoded(log: EventLog, **how: Any) -> Prefixes:
    return PrefixEncoding(**how).fit(log).transform(log)


def table(log: EventLog, form: Any = "rank") -> pd.DataFrame:
    data = encoded(log)
    columns = [column.name for column in table_columns(data, form)]
    return pd.DataFrame(tabulate(data, np.arange(data.n_events), form), columns=columns)


def two_cases(**columns: list[Any]) -> EventLog:
    """Case a: x y x, an hour apart by Ann, Bob, Bob; case b: y, half an hour after a began, by Ann."""
    hours, names = ["00:00", "01:00", "02:00", "00:30"], ["a", "a", "a", "b"]
    events = [
        {"case_id": case, "activity": activity, "timestamp": f"2024-01-01T{hour}:00Z", "resource": who}
        for case, activity, hour, who in zip(names, "xyxy", hours, ["Ann", "Bob", "Bob", "Ann"], strict=True)
    ]
    for name, values in columns.items():
        for event, value in zip(events, values, strict=True):
            event[name] = value
    return log_of(events)


def test_counts_and_times_by_hand() -> None:
    found = table(two_cases())
    assert found["count:activity:x"].tolist() == [1, 1, 2, 0]
    assert found["count:activity:y"].tolist() == [0, 1, 1, 1]
    assert found["repetitions:activity"].tolist() == [0, 0, 1, 0]
    assert found["different activities:activity"].tolist() == [1, 2, 2, 1]
    assert found["changes of resource:resource"].tolist() == [0, 1, 1, 0]
    assert np.expm1(found["since start:time"]).tolist() == pytest.approx([0, 3600, 7200, 0], rel=1e-5)
    assert np.expm1(found["since previous:time"]).tolist() == pytest.approx([0, 3600, 3600, 0], rel=1e-5)
    assert found["activity 1 before the last:activity"].tolist()[0] == -1


def test_numbers_so_far_by_hand() -> None:
    found = table(two_cases(amount=[None, 4.0, 2.0, 7.5]))
    assert found["value:amount"].isna().tolist() == [True, False, False, False]
    assert found["value:amount"].tolist()[1:] == [4, 2, 7.5]
    assert found["mean:amount"].tolist()[1:] == [4, 3, 7.5]
    assert found["largest:amount"].tolist()[1:] == [4, 4, 7.5]
    assert found["smallest:amount"].tolist()[1:] == [4, 2, 7.5]


def test_inter_case_features_by_hand() -> None:
    data = encoded(two_cases(), inter_case=True)
    inter_case = pd.DataFrame(np.expm1(data.inter_case), columns=INTER_CASE_FEATURES).round().astype(int)
    assert inter_case["arrivals in a day"].tolist() == [0, 2, 2, 1]
    assert inter_case["events in a day"].tolist() == [0, 2, 3, 1]
    assert inter_case["events of this resource in a day"].tolist() == [0, 0, 1, 1]


@FORMS
def test_a_row_knows_nothing_of_later_events(form: Any) -> None:
    log = purchase_log(40)
    encoding = PrefixEncoding(inter_case=True).fit(log)
    earlier, _at = up_to(log, str(pd.Timestamp(int(np.median(log.times)), unit="us", tz="UTC")))
    known, later = encoding.transform(earlier), encoding.transform(log)
    rows = np.flatnonzero(log.times <= earlier.times.max())
    assert 0 < len(rows) < log.n_events
    assert len(rows) == earlier.n_events
    expected = tabulate(known, np.arange(earlier.n_events), form)
    assert np.array_equal(expected, tabulate(later, rows, form), equal_nan=True)


@FORMS
def test_rows_do_not_depend_on_the_chunk(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(purchase_log(30))
    rows = np.arange(1, data.n_events, 3)
    whole = tabulate(data, rows, form)
    monkeypatch.setattr("pmlcli.encoding.events.table.CHUNK_CELLS", 1)
    assert np.array_equal(whole, tabulate(data, rows, form), equal_nan=True)
    assert whole.shape == (len(rows), len(table_columns(data, form)))


def test_the_state_is_plain_and_comes_back() -> None:
    log, new = purchase_log(30), purchase_log(10, seed=1)
    encoding = PrefixEncoding(inter_case=True).fit(log)
    again = PrefixEncoding.from_state(encoding.state())
    rows = np.arange(new.n_events)
    expected, found = (tabulate(e.transform(new), rows, "one-hot") for e in (encoding, again))
    assert np.array_equal(expected, found)
    assert again.required_columns() == ("resource", "timestamp", "amount")


def test_a_case_attribute_that_foretells_the_trace_stays_out() -> None:
    log = purchase_log(60)
    variants = pd.factorize(pd.Series(log.activity_codes).groupby(log.case_of_event).agg(tuple))[0]
    marked = log.frame.assign(
        **{
            "case:variant": [f"Variant {v}" for v in np.repeat(variants, log.lengths)],
            "case:events": np.repeat(log.lengths, log.lengths),
            "case:region": [f"R{i % 3}" for i in log.case_of_event],
            "outcome": [f"R{i % 2}" for i in log.case_of_event],
            "number": log.case_of_event,
        }
    )
    encoding = PrefixEncoding().fit(log_of(marked.to_dict("records")))
    assert encoding.required_columns() == ("resource", "timestamp", "amount", "case:region")
    named = PrefixEncoding(["outcome"]).fit(log_of(marked.to_dict("records")))
    assert named.required_columns() == ("resource", "timestamp", "outcome")


def test_a_named_column_that_is_missing_is_told_with_the_nearest() -> None:
    with pytest.raises(LogError, match="no column 'amonut'") as caught:
        PrefixEncoding(["amonut"]).fit(purchase_log(12))
    assert caught.value.hint == "did you mean 'amount'?"


def test_text_where_numbers_were_is_an_error_that_names_the_case() -> None:
    encoding = PrefixEncoding().fit(purchase_log(20))
    events = [event | {"amount": "much"} for event in purchase_events(3)]
    with pytest.raises(LogError, match="'amount'.*first: 'much' in row 1 in case 'PO-0000'"):
        encoding.transform(log_of(events))


def test_numbers_too_large_for_single_precision_stay_finite() -> None:
    amounts = [1e300, -1e300, 5.0, None] * 5
    log = trace_log(["ab"] * 10, amount=amounts)
    numbers = PrefixEncoding(["amount"]).fit(log).transform(log).numbers[:, 0]
    assert np.isfinite(numbers).all()
    assert numbers[0] == np.finfo(np.float32).max
    assert numbers[1] == np.finfo(np.float32).min


def test_ages_of_activities_stand_in_for_the_month() -> None:
    log = purchase_log(10, seed=0)
    data = PrefixEncoding().fit(log).transform(log)
    rows = np.arange(data.n_events)
    names = [column.name for column in table_columns(data, "rank", ages=True)]
    table = pd.DataFrame(tabulate(data, rows, "rank", ages=True), columns=names)
    plain = [column.name for column in table_columns(data, "rank")]
    assert set(plain) - set(names) == {"month:time"}
    since_start = (data.micros - np.repeat(data.starts, data.lengths)) / 3.6e9
    first = data.vocabularies[0].name_of(int(data.activity[0]))
    assert table[f"hours since:activity:{first}"].iloc[0] == 0
    for event in range(int(data.lengths[0])):
        code = int(data.activity[event])
        later = table[f"hours since:activity:{data.vocabularies[0].name_of(code)}"].iloc[: data.lengths[0]]
        assert later.iloc[event] == 0
        assert later.iloc[:event].isna().all() or code in data.activity[:event]
    assert table[f"hours since:activity:{first}"].iloc[1] == pytest.approx(np.log1p(since_start[1]), rel=1e-5)


def test_predictions_written_into_a_log_are_looked_at_only_when_they_are_named() -> None:
    log = log_of(
        [
            event
            | {
                "case:pmlcli:outcome": f"o{i % 3}",
                "pmlcli:score": i % 5 + 0.5,
                "pmlcli:kind": f"k{i % 4}",
                "grade": f"g{i % 3}",
            }
            for i, event in enumerate(purchase_events(20))
        ]
    )
    chosen = PrefixEncoding().fit(log)
    assert [a.column for a in (*chosen.numbers, *chosen.categories)] == ["amount", "grade"]
    named = PrefixEncoding(["pmlcli:score"]).fit(log)
    assert [a.column for a in named.numbers] == ["pmlcli:score"]
    events = EventEncoding().fit(log).columns
    assert "grade" in events
    assert "pmlcli:kind" not in events


@pytest.mark.parametrize("seed", range(20))
def test_twins_and_identifiers_are_told_as_by_counting_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    codes, cases = rng.integers(0, 4, n), np.sort(rng.integers(0, 3, n))
    other = np.array([2, -1, 0, 1])[codes] if seed % 2 else rng.integers(-1, 3, n)
    pairs = set(zip(codes.tolist(), other.tolist(), strict=True))
    assert is_twin(codes, other) == (len(pairs) == len(set(codes.tolist())) == len(set(other.tolist())))
    where = {code: set(cases[codes == code].tolist()) for code in codes.tolist()}
    assert is_identifier(codes, cases) == (np.mean([len(where[code]) == 1 for code in codes.tolist()]) > 0.5)
