"""A trained model on a log that holds the truth: the numbers, the groups, the words and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rapidfuzz.distance import DamerauLevenshtein

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.outcome._classes import shares_in
from pmlcli.errors import DamagedModelError, LogError, OutputError, UntrustedArtifactError, ValidationError
from pmlcli.evaluation.metrics import auc, average_precision
from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import find_running
from pmlcli.lifecycle import artifacts
from pmlcli.lifecycle.evaluating import Scope
from pmlcli.lifecycle.labels import read_labels
from pmlcli.lifecycle.measuring import subject
from pmlcli.lifecycle.model import Model
from tests.contract.cases import daily_events
from tests.logs import purchase_events

RULE = {"rule": 'count("Receive Goods") > 1'}
NAMES: dict[str, dict[str, Any]] = {
    "next-activity/ngram": {},
    "remaining-time/median": {},
    "suffix/medoid": {},
    "outcome/logistic": RULE,
}
MODELS: dict[str, Model] = {}


def model_of(name: str) -> Model:
    if name not in MODELS:
        MODELS[name] = Model(name, **NAMES[name])
        MODELS[name].train(purchase_events(60))
    return MODELS[name]


@pytest.fixture(scope="module")
def log() -> EventLog:
    """A later log, in which one activity is new and nobody knows the end of the latest cases."""
    events = purchase_events(50, seed=3)
    for event in events:
        event["timestamp"] += pd.Timedelta(days=20)
        event["activity"] = "Ask" if event["case_id"] == "PO-0007" else event["activity"]
    return read_log(events)


def joined(model: Model, log: EventLog) -> pd.DataFrame:
    """What `predict --every-prefix` says, beside the log's own columns, of the cases that have ended."""
    table = model.predict(log, request=PredictRequest(every_prefix=True)).predictions
    table = table.assign(activity=log.frame["activity"].astype(str), timestamp=log.frame["timestamp"])
    table["is_running"] = table["case_id"].isin(log.case_ids[find_running(log)])
    table["length"] = table.groupby("case_id")["prefix_length"].transform("max")
    return table


def accuracy(table: pd.DataFrame) -> float:
    came = table.groupby("case_id")["activity"].shift(-1).fillna("<end>")
    counted = ~table["is_running"] | (table["prefix_length"] < table["length"])
    return float((table["next_activity"] == came)[counted].mean())


def mae(table: pd.DataFrame) -> float:
    last = table.groupby("case_id")["timestamp"].transform("last")
    left = (last - table["timestamp"]).dt.total_seconds()
    counted = ~table["is_running"] & (table["prefix_length"] > 1) & (table["prefix_length"] < table["length"])
    return float(((table["remaining_seconds"] - left).abs()[counted] / 86_400).mean())


def similarity(table: pd.DataFrame) -> float:
    scores = []
    for _case, rows in table[~table["is_running"]].groupby("case_id"):
        trace = [*rows["activity"], "<end>"]
        said = [text.split(" > ")[:-1] for text in rows["suffix"]]
        pairs = [(one, trace[k + 1 : -1]) for k, one in enumerate(said)]
        scores.append(np.mean([DamerauLevenshtein.normalized_similarity(*pair) for pair in pairs]))
    return float(np.mean(scores))


def ranking(table: pd.DataFrame) -> float:
    goods = (table["activity"] == "Receive Goods").groupby(table["case_id"])
    is_open = ~table["is_settled"] & (table["prefix_length"] < table["length"]) & ~table["is_running"]
    came = goods.transform("sum") > 1
    # Of a running case the outcome is known once it is settled, and its earlier prefixes count.
    is_open |= table["is_running"] & came & ~table["is_settled"]
    return auc(came[is_open].to_numpy(), table["positive_probability"][is_open].to_numpy())


SCRIPTS: dict[str, Callable[[pd.DataFrame], float]] = {
    "next-activity/ngram": accuracy,
    "remaining-time/median": mae,
    "suffix/medoid": similarity,
    "outcome/logistic": ranking,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_agrees_to_the_last_digit_with_a_short_script(name: str, log: EventLog) -> None:
    model = model_of(name)
    found = model.evaluate(log)
    main = found.assessment.figures[0]
    assert main.value == pytest.approx(SCRIPTS[name](joined(model, log)), abs=1e-12)
    assert main.training == next(iter(model.manifest_fields["performance_metrics"].values()))["value"]
    assert main.lower is not None and main.upper is not None and main.value is not None
    assert main.lower < main.value < main.upper
    assert found.sentence.count("in training") >= 1
    assert {"truth", "case_id", "prefix_length"} <= set(found.frame.columns)


PICTURES = {"next-activity/ngram": "calibration.svg", "remaining-time/median": "errors.svg"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_evaluation_gives_its_pictures_and_writes_them_over_nothing(
    name: str, log: EventLog, tmp_path: Path
) -> None:
    found = model_of(name).evaluate(log, scope=Scope(by=("activity",)))
    drawn = found.pictures()
    assert {"figure.svg", "by-activity.svg", PICTURES.get(name, "figure.svg")} <= drawn.keys()
    assert all(text.startswith("<?xml") and text.rstrip().endswith("</svg>") for text in drawn.values())
    place = tmp_path / "new" / "drawn"
    assert {path.name: path.read_text() for path in found.save_pictures(place)} == drawn
    (place / "figure.svg").unlink()
    with pytest.raises(ValidationError, match="is there already .give force=True"):
        found.save_pictures(place)
    assert not (place / "figure.svg").exists()
    assert len(found.save_pictures(str(place), force=True)) == len(drawn)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        found.save_pictures(tmp_path / "file")


@pytest.mark.parametrize("by", ["activity", "prefix-length", "month", "resource", "amount"])
def test_groups_hold_all_predictions_and_the_worst_stands_first(by: str, log: EventLog) -> None:
    found = model_of("next-activity/ngram").evaluate(log, scope=Scope(by=(by,)))
    grouped = [one for one in found.assessment.figures if one.group]
    told = [one for one in grouped if one.lower is not None]
    assert grouped
    assert all(set(one.group) == {by} for one in grouped)
    assert [one.value for one in told] == sorted(one.value or 0.0 for one in told)
    rows = found.assessment.sections[1].rows
    assert [row[by] for row in rows] == [one.group[by] for one in grouped]


def test_a_group_is_the_metric_of_its_rows(log: EventLog) -> None:
    found = model_of("next-activity/ngram").evaluate(log, scope=Scope(by=("prefix-length",)))
    by_length = found.frame.groupby("prefix_length")["is_right"].mean()
    grouped = {int(one.group["prefix-length"]): one.value for one in found.assessment.figures if one.group}
    assert grouped == pytest.approx(by_length.to_dict())


def test_only_new_cases_count_and_what_was_seen_is_said(log: EventLog) -> None:
    model, mixed = model_of("next-activity/ngram"), purchase_events(60) + log.frame.to_dict("records")
    for event in mixed[: len(purchase_events(60))]:
        event["case_id"] = "old " + str(event["case_id"])
    both = model.evaluate(mixed)
    assert any("60 of 110 cases began before" in text for text in both.assessment.warnings)
    new = model.evaluate(mixed, scope=Scope(only_new=True))
    assert not any("began before" in text for text in new.assessment.warnings)
    assert not new.frame["case_id"].str.startswith("old").any()
    with pytest.raises(LogError, match="no case began after"):
        model.evaluate(purchase_events(60), scope=Scope(only_new=True))


def test_another_model_is_held_against_the_very_same_predictions(log: EventLog) -> None:
    model, other = model_of("next-activity/ngram"), Model("next-activity/ngram", order=1)
    other.train(purchase_events(60))
    found = model.evaluate(log, against=other)
    figure = found.figure("against_difference")
    own = other.evaluate(log).assessment.figures[0].value
    assert figure.baseline == own
    assert figure.value == pytest.approx((found.assessment.figures[0].value or 0) - (own or 0))
    assert "the other model" in found.sentence
    same = model.evaluate(log, against=model).figure("against_difference")
    assert (same.value, same.lower, same.upper) == (0.0, 0.0, 0.0)
    with pytest.raises(ValidationError, match="different tasks"):
        model.evaluate(log, against=model_of("suffix/medoid"))


def test_of_several_outcomes_each_is_held_against_the_others(log: EventLog) -> None:
    """By an independent script: the mean over classes of the AUC of each, from the JSON of `predict`."""
    sizes = np.array(["small", "middle", "large"])
    amounts = log.frame.groupby("case_id")["amount"].first()
    size = {case: sizes[int(place)] for case, place in (amounts.rank() * 3 // (len(amounts) + 1)).items()}
    noisy = {case: name if place % 4 else "large" for place, (case, name) in enumerate(size.items())}
    frame = log.frame.assign(size=log.frame["case_id"].map(noisy))
    model = Model("outcome/logistic", label_column="size")
    model.train(frame)
    found = model.evaluate(frame)
    wanted = PredictRequest(every_prefix=True, every_class=True)
    table = model.predict(frame, request=wanted).predictions
    running = set(log.case_ids[find_running(read_log(frame))])
    table = table[~table["is_settled"] & ~table["case_id"].isin(running)]
    chances = pd.DataFrame([json.loads(text) for text in table["probabilities"]])
    truth = table["case_id"].map(noisy).to_numpy()
    by_hand = np.mean([auc(truth == name, chances[name].to_numpy()) for name in sizes])
    assert found.assessment.figures[0].name == "auc"
    assert found.assessment.figures[0].value == pytest.approx(by_hand, abs=1e-12)
    assert "the mean of all outcomes" in found.sentence
    wrong = ((chances[sizes].to_numpy() - (truth[:, np.newaxis] == sizes)) ** 2).sum(axis=1)
    assert found.figure("brier_score").value == pytest.approx(wrong.mean(), abs=1e-12)
    positive = str(subject(model.trained_state).calibration["positive"])
    alone = auc(truth == positive, chances[positive].to_numpy())
    assert found.figure("positive_auc").value == pytest.approx(alone, abs=1e-12)
    assert np.allclose(chances.sum(axis=1), 1.0)


TWICE = '{"a": 0.5, "a": 0.5}'


@pytest.mark.parametrize("text", ["", "[]", "1", '{"a": "x"}', '{"a": 2.0}', '{"a": NaN}', '{"a": 1}', TWICE])
def test_an_answer_that_is_no_probability_of_each_outcome_is_refused(text: str) -> None:
    with pytest.raises(UntrustedArtifactError, match="probability of each outcome"):
        shares_in(pd.Series(['{"a": 0.5}', text]), ["a"])
    assert shares_in(pd.Series(['{"a": 0.5}', '{"b": 1.0}']), ["a"]).tolist() == [[0.5], [0.0]]


def test_labels_from_outside_are_the_truth(log: EventLog) -> None:
    model = model_of("outcome/logistic")
    labels = {case: "yes" if place % 2 else "no" for place, case in enumerate(log.case_ids[:30])}
    frame = model.evaluate(log, scope=Scope(labels=labels)).frame
    assert set(frame["case_id"]) == set(labels)
    assert (frame["truth"] == frame["case_id"].map(labels)).all()
    with pytest.raises(ValidationError, match="does not know"):
        model.evaluate(log, scope=Scope(labels={log.case_ids[0]: "perhaps"}))
    with pytest.raises(ValidationError, match="labels are for"):
        model_of("suffix/medoid").evaluate(log, scope=Scope(labels=labels))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("case_id,label\nPO-0001,yes\nPO-9999,no\n", "line 3: the log has no case 'PO-9999'"),
        ("case_id,label\nPO-0001,yes\nPO-0001,no\n", "line 3: case 'PO-0001' stands in line 2 too"),
        ("case,label\nPO-0001,yes\n", "line 1"),
        ("case_id,label\nPO-0001,yes,no\n", "line 2: 3 cells"),
        ("case_id,label\n", "no case has a label"),
        ("", "line 1"),
    ],
)
def test_labels_of_another_form_name_their_line(text: str, told: str, log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(LogError, match=told):
        read_labels(path, log.case_ids.tolist())


class AllRun:
    """No case has ended."""

    def find(self, log: EventLog, *, at: int | None = None) -> NDArray[np.bool_]:
        return np.ones(log.n_cases, dtype=np.bool_)


@pytest.mark.parametrize("name", ["remaining-time/median", "suffix/medoid"])
def test_a_log_without_truth_is_refused(name: str, log: EventLog) -> None:
    with pytest.raises(LogError, match="no case has ended") as caught:
        model_of(name).evaluate(replace(log, running_rule=AllRun()))
    assert caught.value.code == "log.truth"
    assert caught.value.hint


def test_the_manifest_says_when_its_log_began_and_ended_and_nonsense_there_is_damage(log: EventLog) -> None:
    model = model_of("next-activity/ngram")
    known = model.manifest_fields["training_log"]
    times = [event["timestamp"] for event in purchase_events(60)]
    assert pd.Timestamp(known["from"]) == min(times)
    assert pd.Timestamp(known["until"]) == max(times).floor("s")
    for odd in ("tomorrow", 7, [], "2024-01-01", "9999-12-31T23:59:59Z" * 2):
        manifest = {**model.manifest_fields, "training_log": known | {"until": odd}}
        damaged = Model.from_state(replace(model.trained_state, manifest=manifest))
        with pytest.raises(DamagedModelError, match="until"):
            damaged.evaluate(log)


def test_an_unknown_group_is_refused_with_what_there_is(log: EventLog) -> None:
    with pytest.raises(ValidationError, match="activty") as caught:
        model_of("next-activity/ngram").evaluate(log, scope=Scope(by=("activty",)))
    assert "activity" in str(caught.value.hint)


def test_detectors_are_held_against_labels_and_without_them_only_counted(log: EventLog) -> None:
    model = Model("anomaly/duration", contamination=0.1)
    model.train(purchase_events(60))
    assert model.evaluate(log).verdict == "no truth"
    untold = model.evaluate(log).assessment
    assert "flagged" in untold.sentence
    assert "10.0 % in training" in untold.sentence
    assert any("--labels" in text for text in untold.warnings)
    labels = {case: "yes" if place % 3 == 0 else "no" for place, case in enumerate(log.case_ids[:40])}
    found = model.evaluate(log, scope=Scope(labels=labels))
    table = model.predict(log).predictions.set_index("case_id").loc[list(labels)]
    truth, scores = np.array(list(labels.values())) == "yes", table["score"].to_numpy()
    flags = table["is_anomaly"].to_numpy()
    assert found.assessment.figures[0].value == pytest.approx(average_precision(truth, scores))
    assert found.figure("auc").value == pytest.approx(auc(truth, scores))
    both = (truth & flags).sum()
    assert found.figure("f1").value == pytest.approx(2 * both / (truth.sum() + flags.sum()))
    with pytest.raises(ValidationError, match="means neither"):
        model.evaluate(log, scope=Scope(labels={log.case_ids[0]: "perhaps"}))


KEPT = {
    "next-activity/linear": {"bits": 8, "epochs": 2},
    "remaining-time/transition-system": {},
    "outcome/logistic": RULE,
}


@pytest.mark.parametrize("name", KEPT)
def test_the_baseline_is_kept_and_says_what_it_says_by_itself(
    name: str, log: EventLog, tmp_path: Path
) -> None:
    model = Model(name, **KEPT[name])
    model.train(purchase_events(60))
    alone = Model(model.algorithm.task.baseline, **(RULE if name.startswith("outcome") else {}))
    alone.train(purchase_events(60))
    loaded = Model.load(model.save(tmp_path / "m", check=False).path)
    found, own = loaded.evaluate(log), alone.evaluate(log)
    assert found.assessment.figures[0].baseline == own.assessment.figures[0].value
    assert loaded.algorithm.task.baseline_phrase in found.sentence
    assert own.assessment.figures[0].baseline is None
    assert not own.assessment.warnings


def test_a_baseline_too_large_is_not_kept_and_that_is_said(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "MOST_BASELINE_BYTES", 10)
    model = Model("outcome/logistic", **RULE)
    model.train(purchase_events(60))
    found = model.evaluate(log)
    assert found.assessment.figures[0].baseline is None
    assert any("keeps no baseline" in text for text in found.assessment.warnings)


@pytest.mark.parametrize("name", ["baseline-model.joblib", "baseline-x.json", "baseline-canary.json"])
def test_a_file_that_no_baseline_writes_is_refused(name: str) -> None:
    for container in ("plain", "members", "sklearn"):
        with pytest.raises(UntrustedArtifactError, match="writes no such file"):
            artifacts.require_known_files(container, [name])


def test_forecasts_are_held_against_what_came_from_each_bucket_after_training(tmp_path: Path) -> None:
    name, events = "forecast/weekday-median", daily_events(150)
    cut = pd.Timestamp("2024-05-01", tz="UTC")
    model = Model(name, horizon=7)
    model.train([event for event in events if pd.Timestamp(event["timestamp"]) < cut])
    log = read_log(events)
    loaded = Model.load(model.save(tmp_path / "m", check=False).path)
    found = loaded.evaluate(log, scope=Scope(by=("month",)))
    table = loaded.predict(log, request=PredictRequest(every_origin=True)).predictions
    days = pd.to_datetime(log.frame.groupby("case_id")["timestamp"].min(), utc=True).dt.floor("D")
    came = days.value_counts().reindex(pd.date_range(days.min(), days.max(), tz="UTC"), fill_value=0)
    came = came.iloc[1:-1]  # the first and the last day may be covered in part
    truth = table["timestamp"].dt.tz_convert("UTC").map(came)
    origins = table["origin"].dt.tz_convert("UTC")
    is_counted = truth.notna() & (origins <= came.index[-7])
    error = (table["value"] - truth).abs()[is_counted].mean()
    assert found.assessment.figures[0].value == pytest.approx(error, abs=1e-12)
    assert table["origin"].min() > cut - pd.Timedelta(days=2)
    assert "by repeating the last season" in found.sentence
    assert {one.group["month"] for one in found.assessment.figures if one.group} == {"2024-04", "2024-05"}
    with pytest.raises(LogError, match="after the training log"):
        loaded.evaluate([event for event in events if pd.Timestamp(event["timestamp"]) < cut])
    with pytest.raises(ValidationError, match="by 'activity'"):
        loaded.evaluate(log, scope=Scope(by=("activity",)))
