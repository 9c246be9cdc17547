"""What a measuring command found, in its JSON form."""

from __future__ import annotations

import json

from pmlcli.evaluation.assessment import Assessment, Figure, Section


def test_an_unknown_value_stays_and_what_else_is_unknown_goes() -> None:
    assert Figure("accuracy", None, "share").to_dict() == {
        "name": "accuracy", "value": None, "unit": "share"
    }  # fmt: skip


def test_zero_is_known() -> None:
    found = Figure("alarms", 0.0, n=0, lower=0.0, higher_is_better=False).to_dict()
    assert (found["value"], found["n"], found["lower"], found["higher_is_better"]) == (0.0, 0, 0.0, False)


def test_all_of_it_is_json() -> None:
    section = Section("by activity", ["a sentence"], [{"activity": "Wait", "n": 3}], {"n": "cases"})
    figure = Figure("accuracy", 0.5, group={"activity": "Wait"})
    found = Assessment("evaluate", "worse", "right 50 %", True, [figure], [section], ["w"], {"model": "m"})
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain == found.to_dict()
    assert plain["figures"][0]["group"] == {"activity": "Wait"}
    assert plain["sections"][0]["rows"] == [{"activity": "Wait", "n": 3}]
    assert plain["model"] == "m"
