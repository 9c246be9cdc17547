"""Texts that differ only in upper and lower case, accents, width or blanks."""

from __future__ import annotations

import pytest

from pmlcli.eventlog.lookalike import LONGEST, difference, lookalikes, told

ALIKE = [
    ("check", "Check", "case"),
    ("STRASSE", "straße", "case"),
    ("Pruefung", "Prüfung", None),
    ("Prufung", "Prüfung", "accents"),
    ("prufung", "Prüfung", "accents and case"),
    ("Ｃｈｅｃｋ", "Check", "width"),
    ("ｃheck", "Check", "case and width"),
    ("Send  Order", "Send Order", "blanks"),
    ("SendOrder", "Send Order", "blanks"),
    ("Send\u00a0Order", "Send Order", "blanks"),
    ("Send\u200b Order", "Send Order", "blanks"),
    ("sendorder", "Send Order", "blanks and case"),
    ("Check", "Check", None),
    ("Check 1", "Check 2", None),
    ("Send-Order", "Send Order", None),
    ("", " ", None),
    ("x" * (LONGEST + 1), "X" * (LONGEST + 1), None),
]


@pytest.mark.parametrize(("a", "b", "what"), ALIKE)
def test_in_what_two_texts_differ(a: str, b: str, what: str | None) -> None:
    assert difference(a, b) == what
    assert difference(b, a) == what
    assert lookalikes([a], [b]) == ({} if what is None else {a: b})


def test_a_known_value_is_found_whatever_the_order() -> None:
    known = ["Check", "Approve", "CHECK"]
    assert (
        lookalikes(["check", "pay"], known) == lookalikes(["pay", "check"], known[::-1]) == {"check": "CHECK"}
    )
    assert len(lookalikes([f"a{i}" for i in range(9)], [f"A{i}" for i in range(9)])) == 5


def test_it_is_said_in_one_sentence() -> None:
    assert told({"check": "Check"}) == "'check' differs only in case from 'Check', which training saw"
    assert told({}) == ""
