"""Which columns were filled in when a case was over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.encoding.hindsight import ColumnChoice, columns_of_hindsight, without
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2024-01-01", tz="UTC")
LAST = {"Pay": "paid", "Refuse": "refused", "Withdraw": "withdrawn", "Check": "in work", "Enter": "in work"}


def cases(count: int = 400, seed: int = 0) -> pd.DataFrame:
    """Claims of three kinds: entered, checked by kind, then paid, refused or withdrawn; a row a case.

    The log ends when the last case begins, so the late cases are running.
    """
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, count)
    begins = np.sort(rng.uniform(0, 300, count))
    checked = begins + rng.exponential(3.0, count)
    ends = checked + rng.exponential(np.array([4.0, 10.0, 20.0])[kind])
    last = np.array(["Pay", "Refuse", "Withdraw"])[rng.choice(3, count, p=[0.6, 0.25, 0.15])]
    return pd.DataFrame({"kind": kind, "begins": begins, "checked": checked, "ends": ends, "last": last})


def log_of(table: pd.DataFrame, **columns: Any) -> EventLog:
    """The log of these cases until the last of them begins; `columns` hold a value a case each."""
    until = table["begins"].max()
    rows = []
    for i, case in enumerate(table.itertuples()):
        own = {f"case:{name}": values[i] for name, values in columns.items()}
        check = f"Check {case.kind}" if case.kind else "Check"
        for activity, day in (("Enter", case.begins), (check, case.checked), (case.last, case.ends)):
            if day <= until:
                rows.append(
                    {"case_id": f"c{i:03}", "activity": activity, "timestamp": START + day * DAY} | own
                )
    return read_log(rows)


def is_over(table: pd.DataFrame) -> Any:
    return (table["ends"] <= table["begins"].max()).to_numpy()


def days(values: Any) -> Any:
    return START + pd.to_timedelta(values, unit="D")


LEAKS = {
    "status": lambda t, _rng: np.where(is_over(t), "closed", "open"),
    "is closed": lambda t, _rng: is_over(t),
    "phase": lambda t, _rng: np.where(is_over(t), t["last"].map(LAST), "in work"),
    "closing note": lambda t, rng: np.where(is_over(t), rng.permutation(len(t)).astype(str), None),
    "last": lambda t, _rng: t["last"].to_numpy(),
    "result": lambda t, _rng: t["last"].map(LAST).to_numpy(),
    "is paid": lambda t, _rng: (t["last"] == "Pay").to_numpy(),
    "end": lambda t, _rng: days(t["ends"]),
    "end date": lambda t, _rng: days(t["ends"]).dt.strftime("%Y-%m-%d").to_numpy(),
    "days": lambda t, _rng: (t["ends"] - t["begins"]).round(1).to_numpy(),
    "whole hours": lambda t, _rng: (24 * (t["ends"] - t["begins"])).round().astype(int).to_numpy(),
    "events": lambda t, _rng: np.where(is_over(t), 3, np.where(t["checked"] <= t["begins"].max(), 2, 1)),
}
HONEST = {
    "kind": lambda t, _rng: t["kind"].map(str).to_numpy(),
    "constant": lambda t, _rng: np.full(len(t), "x"),
    "region": lambda t, rng: rng.choice(["north", "south"], len(t)),
    "amount": lambda t, rng: (
        100 * (t["ends"] - t["begins"]).to_numpy() * np.exp(0.1 * rng.normal(size=len(t)))
    ),
    "estimate": lambda t, rng: (
        ((t["ends"] - t["begins"]) * rng.choice([0.9, 1, 1.1], len(t))).round(1).to_numpy()
    ),
    "likely": lambda t, rng: np.where(rng.random(len(t)) < 0.85, t["last"], "Pay"),
    "speed": lambda t, _rng: np.where(t["ends"] - t["begins"] > 10, "slow", "fast"),
    "due": lambda t, _rng: days(t["begins"] + 30),
    "opened": lambda t, _rng: days(t["begins"]).dt.strftime("%Y-%m-%d").to_numpy(),
    "month": lambda t, _rng: days(t["begins"]).dt.strftime("%b").to_numpy(),
    "version": lambda t, _rng: np.where(t["begins"] > 280, "2.0", "1.0"),
    "number": lambda t, _rng: np.arange(len(t)),
    "handler": lambda t, rng: rng.permutation(len(t)) % 20,
    "half empty": lambda t, rng: np.where(rng.random(len(t)) < 0.5, "a", None),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", LEAKS)
def test_what_was_filled_in_afterwards_is_found(name: str, seed: int) -> None:
    table = cases(seed=seed)
    log = log_of(table, **{name: LEAKS[name](table, np.random.default_rng(seed))})
    assert [found.column for found in columns_of_hindsight(log)] == [f"case:{name}"]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", HONEST)
def test_what_is_known_at_the_start_stays(name: str, seed: int) -> None:
    table = cases(seed=seed)
    log = log_of(table, **{name: HONEST[name](table, np.random.default_rng(seed))})
    assert columns_of_hindsight(log) == ()


def test_values_of_running_cases_alone_need_running_cases() -> None:
    table = cases()
    over = table[is_over(table)].reset_index(drop=True)
    log = log_of(over, status=np.full(len(over), "closed"), kind=over["kind"].map(str).to_numpy())
    assert columns_of_hindsight(log) == ()


def test_the_user_decides_first() -> None:
    table = cases()
    log = log_of(table, status=np.where(is_over(table), "closed", "open"), kind=table["kind"].to_numpy())
    choice = ColumnChoice(known_at_start=("case:status",), hindsight=("case:kind",))
    found = columns_of_hindsight(log, choice)
    assert [one.column for one in found] == ["case:kind"]
    assert without(log, found).case_attribute_columns() == ("case:status",)
    assert columns_of_hindsight(log, named=("case:status",)) == ()
    assert without(log, ()) is log


def test_a_choice_is_checked() -> None:
    with pytest.raises(ValidationError, match="'a' cannot be known at the start and filled in afterwards"):
        ColumnChoice(("a",), ("a", "b"))
    with pytest.raises(ValidationError, match="'activity' is no attribute"):
        ColumnChoice(hindsight=("activity",))
    log = log_of(cases(40), kind=np.arange(40))
    for choice in (ColumnChoice(("case:kin",)), ColumnChoice(hindsight=("case:kin",))):
        with pytest.raises(LogError, match="no column 'case:kin'") as caught:
            choice.require(log)
        assert caught.value.hint == "did you mean 'case:kind'?"
