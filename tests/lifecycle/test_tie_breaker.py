"""The column that ordered events at equal times in training is part of a model's contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.options import ReadOptions
from pmlcli.lifecycle.model import Model
from tests.eventlog.test_equal_times import COUNTERS, rows

CASES = pytest.mark.parametrize("case", COUNTERS)
ASKED = PredictRequest(cases="all", every_prefix=True)


def trained(case: str) -> Model:
    model = Model("next-activity/ngram")
    model.train(rows(*COUNTERS[case]))
    return model


def one_case(name: str, numbers: list[Any] | None) -> list[dict[str, Any]]:
    """A case in the wrong order of rows, whose events come in pairs of equal times."""
    numbers = numbers or [None] * 4
    day = pd.Timestamp("2024-03-05", tz="UTC")
    found = [
        {"case_id": "n", "activity": a, "timestamp": day + pd.Timedelta(days=i // 2), name: n}
        for i, (a, n) in enumerate(zip("ABCD", numbers, strict=True))
    ]
    return found[::-1]


@CASES
def test_a_new_log_is_ordered_as_the_training_log_was(case: str) -> None:
    """Even a single case, which tells too little to find the column again."""
    model, (name, number) = trained(case), COUNTERS[case]
    assert model.manifest_fields["input_schema"]["tie_breaker"] == name
    told = one_case(name, [number(0, place) for place in range(4)])
    read = read_log(told, model.read_options(ReadOptions()))
    assert "".join(read.frame["activity"]) == "ABCD"
    after = model.predict(told, request=ASKED).predictions
    assert after["next_activity"].tolist()[:3] == ["B", "C", "D"]


@CASES
@pytest.mark.parametrize("lacks", ["column", "number"])
def test_a_log_that_cannot_be_ordered_so_is_refused(case: str, lacks: str) -> None:
    model, (name, number) = trained(case), COUNTERS[case]
    log = one_case(name, None if lacks == "column" else [*(number(0, p) for p in range(3)), "x"])
    if lacks == "column":
        log = [{key: value for key, value in event.items() if key != name} for event in log]
    with pytest.raises(LogError, match=name) as caught:
        model.predict(log, request=ASKED)
    assert caught.value.exit_code == 3 and "--order" in str(caught.value.hint)
    # Who gives an order has settled it, and without equal times there is nothing to order.
    for order in ("time", "row"):
        assert len(model.predict(log, request=ASKED, options=ReadOptions(order=order)).predictions) == 4
    apart = [e | {"timestamp": e["timestamp"] - pd.Timedelta(hours=i)} for i, e in enumerate(log)]
    assert len(model.predict(apart, request=ASKED).predictions) == 4


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    model = trained("Celonis")
    model.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m")
    with pytest.raises(LogError, match="_SORTING"):
        loaded.predict([{k: v for k, v in e.items() if k != "_SORTING"} for e in one_case("_SORTING", None)])


def test_a_training_log_without_equal_times_asks_for_nothing() -> None:
    model = Model("next-activity/ngram")
    model.train(
        [
            {"case_id": f"c{i}", "activity": a, "timestamp": f"2024-01-{i + 1:02}T0{k}:00", "_SORTING": k}
            for i in range(20)
            for k, a in enumerate("ABC")
        ]
    )
    assert "tie_breaker" not in model.manifest_fields["input_schema"]
    assert len(model.predict(one_case("other", None), request=ASKED).predictions) == 4
