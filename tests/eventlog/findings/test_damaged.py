"""Identifiers that went through a spreadsheet are found; honest ones that look a little like it are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from pmlcli import Model
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.findings import evidence_of, find_all
from pmlcli.eventlog.findings.damaged import identifiers
from tests.logs import purchase_events

Name = Callable[[int], str]


def log_with(column: str, name: Name, **options: Any) -> EventLog:
    """A log of 60 cases in which `column` says `name(case)`."""
    events = purchase_events(60)
    number = {case: i for i, case in enumerate(dict.fromkeys(e["case_id"] for e in events))}
    rows = [event | {column: name(number[event["case_id"]])} for event in events]
    return read_log(rows, **options)


DAMAGED: dict[str, Name] = {
    "exponent": lambda i: f"{9 * 10**17 + i:.5E}",
    "exponent with a comma": lambda i: f"{9 * 10**17 + i * 10**13:.5E}".replace(".", ","),
    "one exponent among others": lambda i: "2.20E+02" if i == 3 else f"22A{i}",
    "short exponent": lambda i: "4E+05" if i % 7 == 0 else f"{i:02}F1",
    "zeros": lambda i: f"{(9 * 10**15 + i * 1_000) // 1_000}000",
    "zeros of 18 digits": lambda i: f"{900719925474099 + i}000",
    "dates": lambda i: f"{i % 12 + 1}-Jan" if i < 12 else f"{i}-14",
    "German dates": lambda i: "02. Mrz" if i % 5 == 0 else f"{i}-2",
    "months": lambda i: "Jan-24" if i % 9 == 0 else f"{i % 12 + 1}-{i + 32}",
}
HONEST: dict[str, Name] = {
    "plain": lambda i: f"C{i}",
    "hexadecimal": lambda i: f"{i + 20}E{i % 10}",
    "16 digits": lambda i: str(4_000_123_412_341_234 + i * 7_919),
    "round numbers": lambda i: f"{i + 1}000000",
    "years and months": lambda i: f"2024-{i % 12 + 1:02}-{i:03}",
    "two parts": lambda i: f"{i}-{i % 12}",
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("column", ["case_id", "resource", "order_no", "case:Invoice ID"])
def test_damaged_identifiers_are_a_serious_finding(kind: str, column: str) -> None:
    log = log_with(column, DAMAGED[kind])
    found = identifiers(evidence_of(log))
    assert found is not None and found.severity == "serious" and found in find_all(evidence_of(log))
    assert f"'{column}'" in found.message and found.count >= 1
    assert found.examples[0].line is not None and found.examples[0].text.startswith(f"'{column}'")


@pytest.mark.parametrize("kind", HONEST)
@pytest.mark.parametrize("column", ["case_id", "resource", "order_no"])
def test_honest_identifiers_are_not(kind: str, column: str) -> None:
    assert identifiers(evidence_of(log_with(column, HONEST[kind]))) is None


@pytest.mark.parametrize(
    "name",
    [
        lambda i: f"{i}.5E+03",
        lambda i: f"{i * 1e15:.5E}",
        lambda i: pd.Timestamp(2024, i % 12 + 1, 1).strftime("%b-%y"),
    ],
)
def test_measurements_and_months_are_not_identifiers(name: Name) -> None:
    assert identifiers(evidence_of(log_with("amount", name))) is None


def test_numbers_that_were_read_from_exponent_form_are_found_where_they_name_something(tmp_path: Any) -> None:
    path = tmp_path / "x.csv"
    rows = [event | {"order_id": f"{123456 + i // 5}E+12"} for i, event in enumerate(purchase_events(60))]
    pd.DataFrame(rows).assign(order_id=lambda f: f["order_id"].map(lambda t: f"{float(t):.5E}")).to_csv(
        path, index=False
    )
    log = read_log(path)
    assert pd.api.types.is_float_dtype(log.frame["order_id"])
    found = identifiers(evidence_of(log))
    assert found is not None and "E+17" in found.examples[0].text


@pytest.mark.parametrize("is_damaged", [True, False])
def test_training_warns(is_damaged: bool) -> None:
    name = DAMAGED["one exponent among others"] if is_damaged else HONEST["plain"]
    result = Model("next-activity/ngram").train(log_with("case_id", name))
    told = [warning for warning in result.metadata["warnings"] if "a spreadsheet changed" in warning]
    assert len(told) == is_damaged
