"""The outcome of a case: four ways to name it, rules, and columns that would give it away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from pmlcli.encoding.outcome.encoding import UNKNOWN, OutcomeEncoding, OutcomePrefixes, OutcomeSource
from pmlcli.encoding.outcome.leaks import tells_outcome
from pmlcli.encoding.outcome.rule import parse_rule
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import Curve, RunningRule
from tests.logs import log_of, purchase_events, purchase_log, trace_log


def encoded(log: Any, kind: str, text: str) -> OutcomePrefixes:
    return OutcomeEncoding(OutcomeSource(kind, text)).fit(log).transform(log)


def truth(rule: str, *traces: str, **columns: Any) -> list[tuple[bool, str]]:
    """Of each prefix: whether the rule holds now, and what is settled."""
    now, yes, no = parse_rule(rule).judge(trace_log(traces, **columns))
    return [(bool(n), "yes" if y else "no" if o else "") for n, y, o in zip(now, yes, no, strict=True)]


def test_a_count_is_settled_once_it_is_exceeded() -> None:
    assert truth('count("R") > 1', "RAR") == [(False, ""), (False, ""), (True, "yes")]
    assert truth('count("R") >= 2', "RAR") == [(False, ""), (False, ""), (True, "yes")]
    assert truth('count("R") < 2', "RAR") == [(True, ""), (True, ""), (False, "no")]
    assert truth('count("R") <= 1', "RAR") == [(True, ""), (True, ""), (False, "no")]
    assert truth('count("R") == 1', "ARR") == [(False, ""), (True, ""), (False, "no")]
    assert truth('count("R") != 1', "ARR") == [(True, ""), (False, ""), (True, "yes")]


def test_what_may_still_change_settles_nothing() -> None:
    assert truth('last == "B"', "ABA") == [(False, ""), (True, ""), (False, "")]
    assert truth('first == "A"', "AB", "BA") == [(True, "yes"), (True, "yes"), (False, "no"), (False, "no")]
    assert truth('has("R") and not has("A")', "RA") == [(True, ""), (False, "no")]
    assert truth('has("R") or has("A")', "BA") == [(False, ""), (True, "yes")]
    assert truth('not (has("R") or length > 2)', "ABR") == [(True, ""), (True, ""), (False, "no")]


def test_columns_are_compared_by_their_latest_value_and_settle_nothing() -> None:
    assert truth("size >= 2", "AB", size=[1, 2]) == [(False, ""), (True, "")]
    assert truth('`my kind` == "x"', "AB", **{"my kind": ["x", None]}) == [(True, ""), (True, "")]
    assert truth('kind != "x"', "AB", kind=[None, "y"]) == [(False, ""), (True, "")]


def test_and_binds_closer_than_or() -> None:
    assert truth('has("A") or has("B") and has("C")', "A") == [(True, "yes")]


@pytest.mark.parametrize(
    ("rule", "at", "what"),
    [
        ('count("a" > 2', 11, "expected '\\)'"),
        ("has(x)", 5, "activity in quotes"),
        ("duration > 5", 12, "a duration"),
        ('length > "x"', 10, "a number"),
        ('last < "a"', 6, "by == and != alone"),
        ("a ==", 5, "found the end"),
        ("a == 1 b", 8, "'and', 'or' or the end"),
        ("a @ 3", 3, "cannot stand there"),
        ('__import__("os")', 11, "a comparison"),
        ("and", 1, "a column"),
        ("(" * 40, 31, "levels"),
        ("not " * 40 + 'has("a")', 121, "levels"),
        ("", 1, "found the end"),
    ],
)
def test_a_rule_that_cannot_be_read_is_pointed_at(rule: str, at: int, what: str) -> None:
    with pytest.raises(ValidationError, match=what) as caught:
        parse_rule(rule)
    assert caught.value.context["at"] == at
    assert caught.value.message.endswith(f"{rule[: at - 1]}[HERE]{rule[at - 1 :]}")


def test_a_rule_as_long_as_a_book_is_refused() -> None:
    with pytest.raises(ValidationError, match="may have 1000"):
        parse_rule("x" * 1001)


def test_prefixes_end_before_the_activity_and_before_the_end_of_the_case() -> None:
    data = encoded(trace_log(["ABC", "AC"]), "outcome_activity", "B")
    assert data.class_names == ("no B", "B")
    assert data.target.tolist() == [1, 0]
    assert data.settled.tolist() == [UNKNOWN, 1, 1, UNKNOWN, UNKNOWN]
    assert data.is_counted.tolist() == [True, False, False, True, False]


def test_a_slow_case_is_settled_by_the_event_that_exceeds_the_limit() -> None:
    days = [f"2024-01-{day:02}T00:00:00Z" for day in (1, 9, 11, 12, 1, 11)]
    events = [{"case_id": c, "activity": "A", "timestamp": at} for c, at in zip("xxxxyy", days, strict=True)]
    data = encoded(log_of(events), "slower_than", "10d")
    assert data.class_names == ("within 10d", "slower than 10d")
    assert data.settled.tolist()[:4] == [UNKNOWN, UNKNOWN, UNKNOWN, 1]
    assert data.target[0] == 1


def spans(**cases: tuple[int, ...]) -> EventLog:
    """Cases with an event on each of the named days of 2024."""
    midnight = datetime(2024, 1, 1, tzinfo=UTC)
    return log_of(
        [
            {"case_id": case, "activity": "A", "timestamp": (midnight + timedelta(days=day)).isoformat()}
            for case, days in cases.items()
            for day in days
        ]
    )


def test_only_cases_watched_for_the_limit_teach_who_is_slow() -> None:
    """Of the young cases only short ones have ended, so those that have are no sample of all."""
    log = spans(slow=(0, 15), quick=(1, 3), silent=(2, 7), young=(31, 32), latest=(40,))
    encoding = OutcomeEncoding(OutcomeSource("slower_than", "10d")).fit(log)
    encoding.running_rule = RunningRule((Curve((), 44, (900,) * 44),))  # 34 days
    data = encoding.transform(log)
    assert data.is_running.tolist() == [True, False, True, True, True]
    assert data.target.tolist() == [1, 0, 1, UNKNOWN, UNKNOWN]


def test_a_rule_about_durations_leaves_young_cases_out_too() -> None:
    log = spans(slow=(0, 15), quick=(1, 3), young=(12, 13))
    for rule in ("duration > 10d", 'not (duration <= 10d or has("B"))', "duration < 5d and duration < 10d"):
        source = OutcomeSource("rule", rule)
        assert source.limit == 10 * 86_400
        assert source.watched(log).tolist() == [True, True, False]
    assert OutcomeSource("rule", 'has("A")').watched(log).all()


def test_a_running_case_has_an_outcome_only_when_it_is_settled() -> None:
    log = purchase_log(60)
    data = encoded(log, "outcome_activity", "Change Order")
    cut = log.take_rows(np.flatnonzero(log.position < 3), np.arange(0, 181, 3))
    encoding = OutcomeEncoding(OutcomeSource("outcome_activity", "Change Order")).fit(log)
    early = encoding.transform(cut)
    assert early.is_running.any()
    running = early.is_running & (data.target == 0)
    assert (early.target[running] == UNKNOWN).all()
    assert (early.target[data.target == 1] == 1).all()


def labelled(**columns: Any) -> list[dict[str, Any]]:
    """Purchases, each labelled late when its goods came in parts; others by case number and label."""
    events = purchase_events(60)
    parts = {e["case_id"] for e in events if e["activity"] == "Receive Goods"}
    counts = {c: sum(e["case_id"] == c and e["activity"] == "Receive Goods" for e in events) for c in parts}
    cases = sorted(parts)
    for event in events:
        case = event["case_id"]
        event["ending"] = "late" if counts[case] > 1 else "fine"
        for name, value in columns.items():
            event[name] = value(cases.index(case), event["ending"])
    return events


def test_labels_are_classes_and_every_prefix_counts() -> None:
    data = encoded(log_of(labelled()), "label_column", "ending")
    assert data.class_names == ("fine", "late")
    assert set(data.target.tolist()) == {0, 1}
    assert data.is_counted.all()
    assert "ending" not in [a.column for a in (*data.number_attributes, *data.category_attributes)]


def test_a_label_may_be_missing_and_stand_on_one_event_alone() -> None:
    log = trace_log(["AB", "AB", "A"], ending=["x", None, None, "y", None])
    data = encoded(log, "label_column", "ending")
    assert data.target.tolist() == [0, 1, UNKNOWN]
    assert data.is_counted.tolist() == [True] * 4 + [False]


def test_a_case_with_two_labels_is_named() -> None:
    log = trace_log(["AB", "AB"], ending=["x", "x", "x", "y"])
    with pytest.raises(LogError, match="case 'c1' has two labels, 'x' and 'y'") as caught:
        encoded(log, "label_column", "ending")
    assert caught.value.context["case"] == "c1"


def test_truth_values_are_written_as_logs_write_them() -> None:
    log = trace_log(["AB", "AB"], late=[True, True, False, False])
    assert encoded(log, "label_column", "late").class_names == ("false", "true")
    assert truth('late == "true"', "AB", "AB", late=[True, True, False, False])[1::2] == [
        (True, ""),
        (False, ""),
    ]


def test_a_label_of_many_values_is_no_outcome() -> None:
    log = trace_log(["AB"] * 51, number=[n for n in range(51) for _ in "AB"])
    with pytest.raises(LogError, match="'number' has 51 different values") as caught:
        encoded(log, "label_column", "number")
    assert "--rule" in (caught.value.hint or "")


def test_text_compared_with_a_number_says_how_to_compare_it() -> None:
    with pytest.raises(LogError, match="are not numbers") as caught:
        truth("kind > 3", "AB", kind=["x", "y"])
    assert '`kind` == "..."' in (caught.value.hint or "")


def test_a_missing_column_lists_those_that_there_are() -> None:
    with pytest.raises(LogError, match="no column 'zzz'") as caught:
        encoded(purchase_log(20), "label_column", "zzz")
    assert "it has: case_id, activity" in (caught.value.hint or "")


def test_the_label_need_not_be_there_in_prediction() -> None:
    encoding = OutcomeEncoding(OutcomeSource("label_column", "ending")).fit(log_of(labelled()))
    again = OutcomeEncoding.from_state(encoding.state())
    data = again.transform(log_of(labelled(), drop=["ending"]))
    assert (data.target == UNKNOWN).all()
    assert data.class_names == ("fine", "late")
    assert "ending" not in again.required_columns()


def test_columns_that_tell_the_label_are_left_out() -> None:
    log = log_of(
        labelled(
            flag=lambda case, ending: int(ending == "late"),
            reason=lambda case, ending: f"{ending} {case % 3}",
            penalty=lambda case, ending: 100.0 + case if ending == "late" else 0.1 * case,
            colour=lambda case, ending: "red" if case % 2 else "blue",
        )
    )
    data = encoded(log, "label_column", "ending")
    kept = {a.column for a in (*data.number_attributes, *data.category_attributes)}
    assert set(data.left_out) == {"flag", "reason", "penalty"}
    assert kept == {"amount", "colour"}


def test_a_column_of_the_rule_is_never_looked_at() -> None:
    data = encoded(purchase_log(60), "rule", "amount > 500")
    assert [a.column for a in data.number_attributes] == []


def test_chance_is_no_leak() -> None:
    target = np.repeat([0, 1], 5)
    assert not tells_outcome(target.astype(float), target, is_number=True)
    assert not tells_outcome(np.arange(10.0), np.zeros(10, dtype=np.int64), is_number=True)
    many = np.repeat([0, 1], 30)
    assert tells_outcome(many.astype(float), many, is_number=False)
    assert tells_outcome(np.arange(60.0), many, is_number=True)
    assert not tells_outcome(np.arange(60.0), many, is_number=False)
    assert not tells_outcome(np.roll(many, 3).astype(float), many, is_number=True)


@pytest.mark.parametrize(
    ("kind", "text", "hint"),
    [
        ("outcome_activity", "Chnge Order", "did you mean 'Change Order'?"),
        ("rule", 'count("Recieve Goods") > 1', "did you mean 'Receive Goods'?"),
        ("rule", "amout > 1", "did you mean 'amount'?"),
        ("label_column", "amuont", "did you mean 'amount'?"),
    ],
)
def test_a_misspelt_name_gets_the_nearest(kind: str, text: str, hint: str) -> None:
    with pytest.raises(LogError) as caught:
        encoded(purchase_log(20), kind, text)
    assert caught.value.hint == hint


def test_a_duration_needs_times() -> None:
    with pytest.raises(LogError, match="no timestamps"):
        encoded(trace_log(["AB"]), "slower_than", "3d")


def test_what_cannot_be_an_outcome_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match="'activity' cannot be the label"):
        OutcomeSource("label_column", "activity")
    with pytest.raises(ValidationError, match="'3 apples' is no duration"):
        OutcomeSource("slower_than", "3 apples")
    with pytest.raises(ValidationError, match="reveals the outcome"):
        OutcomeEncoding(OutcomeSource("label_column", "ending"), ["amount", "ending"])
