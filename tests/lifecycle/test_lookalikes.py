"""Values that training never saw and that only look another: said in every task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events

TASKS: dict[str, dict[str, Any]] = {
    "anomaly/likelihood": {},
    "next-activity/ngram": {},
    "remaining-time/median": {},
    "suffix/medoid": {},
    "outcome/prior": {"rule": 'count("Receive Goods") > 1'},
}
CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "case": (str.upper, "only in case from"),
    "accents": (lambda text: text.replace("e", "é"), "only in accents from"),
    "width": (lambda text: text.replace("e", "\uff45"), "only in width from"),
    "blanks": (lambda text: f"{text[:2]} {text[2:]}", "only in blanks from"),
}


def events(column: str = "", change: Callable[[str], str] = str) -> list[dict[str, Any]]:
    """A log whose column is spelt in another way in one case of the many."""
    found = purchase_events(30)
    for number, event in enumerate(found):
        event["region"] = "North" if number % 3 else "South"
        if column and event["case_id"] == found[-1]["case_id"]:
            event[column] = change(event[column])
    return found


@pytest.mark.parametrize("spelling", CHANGES)
@pytest.mark.parametrize("name", TASKS)
def test_every_task_says_what_only_looks_another(name: str, spelling: str) -> None:
    change, what = CHANGES[spelling]
    model = Model(name, **TASKS[name])
    model.train(events())
    found = model.predict(events("activity", change), request=PredictRequest(foreign="allow"))
    assert any(what in told and "which training saw" in told for told in found.metadata["warnings"])
    with pytest.raises(LogError, match=what):
        model.predict(events("activity", change), request=PredictRequest(unseen="fail", cases="all"))


@pytest.mark.parametrize(
    ("name", "column"), [("anomaly/likelihood", "resource"), ("next-activity/linear", "region")]
)
def test_resources_and_attributes_too(name: str, column: str) -> None:
    pytest.importorskip("sklearn")
    model = Model(name)
    model.train(events())
    found = model.predict(events(column, str.lower))
    assert any(f"'{column}'" in told and "only in case" in told for told in found.metadata["warnings"])


def test_another_process_that_is_only_spelt_in_another_way(tmp_path: Path) -> None:
    model = Model("next-activity/ngram")
    model.train(events())
    shouted = [event | {"activity": event["activity"].upper()} for event in events()]
    with pytest.raises(LogError, match="another process.*differs only in case from 'Approve'"):
        model.predict(shouted)
