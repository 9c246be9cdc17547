"""The same case at another date, or with a number far beyond training, gets nearly the same answer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.encoding.events.calendar import covered
from pmlcli.encoding.events.prefixes import PrefixEncoding
from pmlcli.encoding.events.table import table_columns, tabulate
from pmlcli.eventlog import read_log
from pmlcli.lifecycle.model import Model
from tests.contract.cases import is_installed

START = pd.Timestamp("2024-02-01 08:00", tz="UTC")
NUMBERS = {
    "outcome/logistic": "positive_probability",
    "outcome/boosting": "positive_probability",
    "outcome/gru": "positive_probability",
    "outcome/ensemble": "positive_probability",
    "next-activity/linear": "probability",
    "next-activity/gru": "probability",
    "next-activity/transformer": "probability",
    "next-activity/xgboost": "probability",
    "remaining-time/gru": "remaining_seconds",
    "remaining-time/survival": "remaining_seconds",
    "remaining-time/boosting": "remaining_seconds",
    "suffix/gru": "remaining_seconds",
}
NETWORKS = ("gru", "transformer", "survival")
QUICK = {name: {"max_epochs": 2} for name in NUMBERS if name.partition("/")[2] in NETWORKS}


def events(cases: int = 80) -> list[dict[str, Any]]:
    """Two weeks and a half: dear cases are escalated, and late ones whatever they cost."""
    rng = np.random.Generator(np.random.PCG64(3))
    found: list[dict[str, Any]] = []
    for case in range(cases):
        now, amount = START + pd.Timedelta(hours=5 * case), float(rng.integers(1, 100))
        dear = amount > 50 or case > 60
        for activity in ("Open", "Check", *(["Escalate"] if dear else []), "Close"):
            found.append(dict(case_id=f"c{case}", activity=activity, timestamp=now, amount=amount))
            now += pd.Timedelta(hours=float(rng.uniform(2, 30)) * (2 if dear else 1))
    return found


def one_case(days: int = 0, amount: float = 60.0) -> list[dict[str, Any]]:
    """A case of two events, so many days after the last days of training."""
    begin = START + pd.Timedelta(days=14 + days)
    return [
        dict(case_id=f"n{days}", activity=name, timestamp=begin + pd.Timedelta(hours=9 * step), amount=amount)
        for step, name in enumerate(("Open", "Check"))
    ]


@cache
def trained(name: str) -> Model:
    rule = {"outcome_activity": "Escalate"} if name.startswith("outcome/") else {}
    model = Model(name, cuts=1, **QUICK.get(name, {}), **rule)
    model.train(events())
    return model


def answer(name: str, case: list[dict[str, Any]]) -> float:
    table = trained(name).predict(case, request=PredictRequest(cases="all")).predictions
    return float(table[NUMBERS[name]].iloc[0])


@pytest.mark.parametrize("name", NUMBERS)
def test_the_date_of_a_case_moves_nothing(name: str) -> None:
    if not is_installed(name):
        pytest.skip("its extra is not installed")
    # The same weekday and hour: only the month, the season and the year differ.
    now = answer(name, one_case())
    for days in (7 * 18, 7 * 44, 7 * 52 * 5):
        assert answer(name, one_case(days)) == pytest.approx(now, rel=1e-6), days


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_beyond_training_counts_as_the_nearest(name: str) -> None:
    if not is_installed(name):
        pytest.skip("its extra is not installed")
    largest = max(event["amount"] for event in events())
    far, near = answer(name, one_case(amount=1e9)), answer(name, one_case(amount=largest))
    assert far == pytest.approx(near, rel=1e-6)


def test_no_column_leaves_the_range_of_training() -> None:
    log = read_log(events())
    encoding = PrefixEncoding(inter_case=True).fit(log)
    data = encoding.transform(log)
    known = tabulate(data, np.arange(log.n_events), "one-hot")
    far = encoding.transform(read_log(one_case(7 * 40, -1e9) + one_case(7 * 40 + 3, 1e9)))
    found = tabulate(far, np.arange(far.n_events), "one-hot")
    told = ("value", "hour", "month", "inter_case", "weekday")
    columns = table_columns(data, "one-hot")
    checked = [place for place, column in enumerate(columns) if column.kind in told]
    assert len(checked) > 10
    for place in checked:
        assert known[:, place].min() <= found[:, place].min(), columns[place]
        assert found[:, place].max() <= known[:, place].max(), columns[place]
    assert (far.times.max(axis=0) <= data.times.max(axis=0)).all()
    again = PrefixEncoding.from_state(encoding.state())
    assert again.state() | {"ranks": 0} == encoding.state() | {"ranks": 0}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0, 1, 2], ()),
        (list(range(8)), ("hour",)),
        (list(range(0, 29, 2)), ("hour", "weekday")),
        (list(range(300)), ("hour", "weekday")),
        (list(range(366)), ("hour", "weekday", "month")),
        # One stray row does not make a year of two weeks.
        ([*range(15), 365], ("hour", "weekday")),
    ],
)
def test_the_calendar_counts_once_it_is_covered(days: list[int], expected: tuple[str, ...]) -> None:
    rows = [dict(case_id=f"c{d}", activity="a", timestamp=START + pd.Timedelta(days=d)) for d in days]
    assert covered(read_log(rows), "UTC") == expected


@pytest.mark.parametrize("name", ["outcome/logistic", "outcome/ensemble"])
def test_many_numbers_beyond_training_are_told(name: str) -> None:
    model = trained(name)
    found = model.predict(one_case(amount=1e6), request=PredictRequest(cases="all"))
    assert any("'amount'" in warning for warning in found.metadata["warnings"])
    inside = model.predict(one_case(amount=60.0), request=PredictRequest(cases="all"))
    assert not any("'amount'" in warning for warning in inside.metadata["warnings"])


@pytest.mark.parametrize("name", ["outcome/logistic", "outcome/ensemble", "next-activity/linear"])
def test_many_waits_beyond_training_are_told(name: str) -> None:
    model, asked = trained(name), PredictRequest(cases="all")
    first, second = one_case()
    late = [first, second | {"timestamp": second["timestamp"] + pd.Timedelta(days=900)}]
    for log, is_told in ((late, True), ([first, second], False)):
        warnings = model.predict(log, request=asked).metadata["warnings"]
        assert any("1 events come longer after" in warning for warning in warnings) is is_told
