"""Logs chosen by when their cases ended: who has ended is told by what happened since the first did."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import TrainingError
from pmlcli.eventlog.filters import up_to
from pmlcli.eventlog.findings import evidence_of, find_before_training
from pmlcli.eventlog.late_ends import late_ends
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import StatedRule, find_running, fit_running_rule, standing
from pmlcli.lifecycle.model import Model
from tests.logs import log_of

DAY = 86_400_000_000
MOMENT = 500
"""Days until the log is taken."""
ENDINGS = {"one ending": ("Close",), "three endings": ("Pay", "Reject", "Withdraw")}
"""How the cases of two processes end; both may come back afterwards."""


@cache
def whole(process: str, slowness: float) -> EventLog:
    """Cases over 700 days: opened, worked on once or more, ended, and one in twelve opened again."""
    rng = np.random.default_rng(3)
    rows = []
    for case, begin in enumerate(np.sort(rng.uniform(0, 700, 2000))):
        now, activity = begin, "Open"
        while activity:
            rows.append((f"k{case}", activity, now))
            now += slowness * float(rng.lognormal(0, 0.7))
            ends = activity in ENDINGS[process]
            step = rng.random()
            again = "Open" if step < 1 / 12 else ""
            activity = again if ends else "Work" if step < 0.6 else str(rng.choice(ENDINGS[process]))
    frame = pd.DataFrame(rows, columns=["case_id", "activity", "day"])
    times = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(frame.pop("day"), unit="D")
    return log_of(frame.assign(timestamp=times.dt.floor("s")).to_dict("records"))


def chosen(process: str, slowness: float, days: int, how: str) -> tuple[EventLog, np.ndarray]:
    """The cases of a log that had their last event in its last days (ended; or whatever came afterwards; or
    all that were running), and which went on.
    """
    log = whole(process, slowness)
    at = int(log.starts.min()) + MOMENT * DAY
    lengths = np.bincount(log.case_of_event[np.asarray(log.times) <= at], minlength=log.n_cases)
    cases = np.flatnonzero(lengths)
    known, goes_on = log.take_cases(cases, lengths[cases]), log.ends[cases] > at
    keep = {"ended": ~goes_on, "last seen": np.ones(len(cases), dtype=bool), "running": goes_on}[how]
    kept = np.flatnonzero(keep & (known.ends >= at - days * DAY))
    return known.take_cases(kept), goes_on[kept]


ONE, THREE = ENDINGS
SLOW = [(ONE, 8.0, 40), (THREE, 8.0, 40), (ONE, 20.0, 90), (THREE, 3.0, 15)]


@pytest.mark.parametrize(("process", "slowness", "days"), SLOW)
def test_cases_of_a_log_of_ended_ones_have_ended(process: str, slowness: float, days: int) -> None:
    log, _goes_on = chosen(process, slowness, days, "ended")
    found = late_ends(log)
    assert found is not None and found.only_ended
    assert find_running(log).mean() < 0.05
    # Of a later log, who stands amid the process goes on, and who ended as cases do has ended.
    open_, _ = chosen(process, slowness, 700, "running")
    rule = fit_running_rule(log)
    is_amid = open_.activity_codes[open_.offsets[1:] - 1] == open_.activities.index("Work")
    assert rule.find(open_)[is_amid].mean() > 0.8


@pytest.mark.parametrize(("process", "slowness", "days"), SLOW)
def test_cases_of_a_log_of_those_last_seen_are_counted(process: str, slowness: float, days: int) -> None:
    log, goes_on = chosen(process, slowness, days, "last seen")
    found = late_ends(log)
    assert found is not None and not found.only_ended
    stands = standing(log)
    assert stands.goes_on.sum() == pytest.approx(goes_on.sum(), rel=0.25)
    assert ((stands.goes_on - goes_on) ** 2).mean() < min(goes_on.mean(), 1 - goes_on.mean())


@pytest.mark.parametrize(("process", "slowness", "days"), SLOW)
def test_a_log_of_all_cases_is_judged_as_before(process: str, slowness: float, days: int) -> None:
    log = whole(process, slowness)
    early = up_to(log, "2020-06-01")[0]
    for one in (log, early, log.take_cases(np.flatnonzero(log.starts < log.starts.min() + 200 * DAY))):
        assert late_ends(one) is None
    assert late_ends(log.take_cases(np.arange(20))) is None


def test_training_says_what_was_assumed_and_how_to_decide() -> None:
    log, _goes_on = chosen("one ending", 8.0, 40, "ended")
    for name, parameters in {
        "remaining-time/median": {},
        "suffix/medoid": {},
        "outcome/prior": {"outcome_activity": "Work"},
    }.items():
        result = Model(name, **parameters).train(log)
        [said] = [text for text in result.metadata["warnings"] if "[cases.late-ends]" in text]
        assert "count as ended" in said and "--end-activity NAME" in said
        assert result.metrics, name
    stated = replace(log, running_rule=StatedRule(("Close",)))
    assert not any(one.code == "cases.late-ends" for one in find_before_training(evidence_of(stated)))


def test_a_log_of_running_cases_alone_still_has_none_that_ended() -> None:
    log, _goes_on = chosen("one ending", 8.0, 700, "running")
    assert find_running(log).mean() > 0.9
    with pytest.raises(TrainingError) as caught:
        Model("remaining-time/median").train(log)
    assert "--end-activity NAME" in str(caught.value.hint)
