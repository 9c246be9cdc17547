"""`Model.predict(log, now=...)`: a service that asks about one case is answered as for the whole log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from pmlcli import Model, PredictRequest
from pmlcli.errors import ValidationError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog
from tests.logs import purchase_events


@pytest.fixture(scope="module")
def log() -> EventLog:
    """A log that stops while cases are running."""
    events = pd.DataFrame(purchase_events(80))
    return read_log(events[events["timestamp"] < events["timestamp"].max() - pd.Timedelta(days=2)])


NAMES = ("remaining-time/median", "next-activity/ngram", "suffix/medoid", "outcome/logistic")


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest, log: EventLog) -> Model:
    rule = {"rule": 'count("Receive Goods") > 1'} if "outcome" in request.param else {}
    made = Model(request.param, **rule)
    made.train(log)
    return made


def moment(log: EventLog) -> datetime:
    assert log.end is not None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=log.end)


def test_each_case_alone_is_answered_as_in_the_whole_log(model: Model, log: EventLog) -> None:
    whole = model.predict(log).predictions
    assert len(whole) > 2
    for place in (0, len(whole) // 2, len(whole) - 1):
        row = whole.iloc[place]
        case = log.frame[log.frame["case_id"] == row["case_id"]]
        for now in (moment(log), moment(log).isoformat(), pd.Timestamp(moment(log))):
            alone = model.predict(case, now=now).predictions
            pd.testing.assert_frame_equal(alone, whole.iloc[[place]].reset_index(drop=True))


def test_silence_counts_and_without_a_moment_that_is_said(log: EventLog) -> None:
    model = Model("remaining-time/median")
    model.train(log)
    case = log.frame[log.frame["case_id"] == model.predict(log).predictions["case_id"].iloc[0]]
    result = model.predict(case)
    assert "(--as-of TIME says when it is)" in " ".join(result.metadata["notes"])
    later = model.predict(case, now=moment(log))
    assert later.predictions["expected_end"].iloc[0] > pd.Timestamp(moment(log))
    assert later.metadata["notes"] != result.metadata["notes"]


@pytest.mark.parametrize(
    ("name", "request_", "told"),
    [
        ("anomaly/histogram", {}, "takes no now"),
        ("next-activity/ngram", {"as_of": "2024-02-01"}, "say the same"),
        ("next-activity/ngram", {"cases": "all"}, "running cases"),
        ("next-activity/ngram", {"every_prefix": True}, "running cases"),
    ],
)
def test_a_moment_that_means_nothing_is_refused(
    name: str, request_: dict[str, Any], told: str, log: EventLog
) -> None:
    model = Model(name)
    model.train(log)
    with pytest.raises(ValidationError, match=told):
        model.predict(log, now="2024-02-01", request=PredictRequest(**request_))
