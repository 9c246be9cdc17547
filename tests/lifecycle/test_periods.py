"""Verdicts on logs whose last cases are not like those to come, and what the manifest keeps of cuts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli import Model
from pmlcli.errors import TrainingError, ValidationError
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.selection_bias import chosen_by_end
from tests.logs import purchase_events

END_DAY = 300.0


def slow_cases(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Cases that begin over 300 days and take 40 or so: a, several of b (by how slow), and c at the end."""
    rng = np.random.default_rng(seed)
    begins = np.sort(rng.uniform(0, END_DAY, n))
    is_large = rng.random(n) < 0.5
    lengths = 3 + rng.integers(0, 3, n)
    case = np.repeat(np.arange(n), lengths)
    step = np.arange(len(case)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    waits = np.where(is_large[case], 20.0, 8.0) * rng.lognormal(0, 0.5, len(case)) * (step > 0)
    total = np.cumsum(waits)
    days = begins[case] + total - np.repeat(total[np.cumsum(lengths) - lengths], lengths)
    is_last = step + 1 == lengths[case]
    return pd.DataFrame(
        {
            "case_id": [f"k{one:04}" for one in case],
            "activity": np.where(step == 0, "a", np.where(is_last, "c", np.where(is_large[case], "B", "b"))),
            "timestamp": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(days, unit="D"),
        }
    )


def logs() -> dict[str, EventLog]:
    """The same process, taken in three ways."""
    frame = slow_cases()
    end = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=END_DAY)
    ends = frame.groupby("case_id")["timestamp"].transform("max")
    return {
        "all that happened": read_log(frame[frame["timestamp"] <= end]),
        "only ended": read_log(frame[ends <= end]),
        "by start, to the end": read_log(frame),
    }


@pytest.mark.parametrize("how", ["all that happened", "only ended", "by start, to the end"])
def test_only_the_log_of_ended_cases_is_doubted(how: str) -> None:
    log = logs()[how]
    found = chosen_by_end(log, find_running(log))
    assert (found is not None) == (how == "only ended")


@pytest.mark.parametrize("name", ["remaining-time/transition-system", "suffix/medoid", "next-activity/ngram"])
def test_a_log_of_ended_cases_gives_no_verdict_where_the_end_decides(name: str) -> None:
    result = Model(name).train(logs()["only ended"])
    (metric,) = result.metrics.values()
    said = " ".join(metric["because"])
    assert ("only cases that had ended" in said) == (name.startswith("remaining"))
    if name.startswith("remaining"):
        assert metric["verdict"] == "unclear"
    else:  # the other two are baselines of their tasks
        assert metric["verdict"] == "is the baseline"


def test_the_same_process_followed_to_the_end_has_a_verdict() -> None:
    (metric,) = (
        Model("remaining-time/transition-system").train(logs()["by start, to the end"]).metrics.values()
    )
    assert metric["verdict"] in ("better", "no better")
    assert not any("ended" in one for one in metric["because"])


def test_a_part_too_young_to_have_ended_does_not_count() -> None:
    (metric,) = Model("remaining-time/transition-system").train(logs()["all that happened"]).metrics.values()
    *earlier, last = metric["cuts"]
    assert last["bias"] is not None and "still running" in last["bias"]
    assert all(cut["bias"] is None for cut in earlier)
    weights = np.array([cut["n_units"] for cut in earlier])
    mean = weights @ [cut["difference"] for cut in earlier] / weights.sum()
    assert metric["difference"] == pytest.approx(mean)
    assert any("does not count" in one for one in metric["because"])


def trained(**parameters: Any) -> dict[str, Any]:
    model = Model("remaining-time/transition-system", **parameters)
    result = model.train(pd.DataFrame(purchase_events(150)))
    assert model.manifest_fields["hyperparameters"]["cuts"] == parameters.get("cuts", 3)
    assert 0 < result.metadata["measuring_cpu_seconds"] <= result.metadata["cpu_seconds"]
    found: dict[str, Any] = model.manifest_fields["performance_metrics"]
    return found


@pytest.mark.parametrize("cuts", [1, 2, 4])
def test_as_many_cuts_as_wanted_and_what_each_was(cuts: int) -> None:
    (metric,) = trained(cuts=cuts).values()
    assert len(metric["cuts"]) == cuts
    dates = [(cut["since"], cut["until"]) for cut in metric["cuts"]]
    assert dates == sorted(dates)
    assert all(since <= until for since, until in dates)
    assert metric["n_units"] == sum(cut["n_units"] for cut in metric["cuts"])


def test_the_same_figures_twice() -> None:
    assert trained() == trained()


@pytest.mark.parametrize("cuts", [0, 11])
def test_so_many_cuts_are_refused(cuts: int) -> None:
    with pytest.raises(ValidationError, match="cuts"):
        Model("remaining-time/median", cuts=cuts)


def with_young_cases(n_old: int, n_young: int) -> list[dict[str, Any]]:
    """Cases of four events that ended long ago, then cases of one event that began in the last minutes."""
    first = pd.Timestamp("2024-01-01", tz="UTC")
    old = [(f"old {i:03}", "abcd"[step], 1_440 * i + 240 * step) for i in range(n_old) for step in range(4)]
    young = [(f"young {i:03}", "a", 1_440 * n_old + i) for i in range(n_young)]
    return [
        {"case_id": case, "activity": activity, "timestamp": first + pd.Timedelta(minutes=at)}
        for case, activity, at in (*old, *young)
    ]


@pytest.mark.parametrize("name", ["next-activity/ngram", "next-activity/linear", "suffix/medoid"])
def test_a_part_that_shows_nothing_is_left_out(name: str) -> None:
    model = Model(name)
    (metric,) = model.train(with_young_cases(80, 20)).metrics.values()
    assert 1 <= len(metric["cuts"]) <= 2
    assert np.isfinite([cut["value"] for cut in metric["cuts"]]).all()
    json.dumps(model.manifest_fields, allow_nan=False)


@pytest.mark.parametrize("name", ["next-activity/ngram", "suffix/medoid"])
def test_a_log_whose_later_parts_show_nothing_is_refused(name: str) -> None:
    with pytest.raises(TrainingError, match="no later part of the log shows how well"):
        Model(name).train(with_young_cases(6, 20))
