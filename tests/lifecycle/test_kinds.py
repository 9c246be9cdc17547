"""A column of another type than in training is read as trained, or refused: every pair of types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.lifecycle.kinds import WORDS, kind_of, read_as_trained, read_words
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events

WRITTEN = {
    "text": ("Ann", "B 7"),
    "number": ("7", "12.5"),
    "boolean": ("true", "FALSE"),
    "time": ("2024-01-01T00:00:00", "2024-02-01T08:00:00"),
}
TYPED: dict[str, list[Any]] = {
    "text": ["Ann", "B 7"],
    "number": [7.0, 12.5],
    "boolean": [True, False],
    "time": [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-02-01", tz="UTC")],
}
CSV_READ_SO = {(kind, kind) for kind in WRITTEN} | {(kind, "text") for kind in WRITTEN}
"""(found, trained): cells of CSV have no type, so that all of them are text where text is meant."""
TYPED_READ_SO = {(kind, kind) for kind in TYPED} | {("number", "text"), ("boolean", "text")}
PAIRS = [(found, trained) for found in WRITTEN for trained in WRITTEN]
every_pair = pytest.mark.parametrize(("found", "trained"), PAIRS)


def frame(values: Any) -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=2, tz="UTC")
    return pd.DataFrame({"case_id": ["a", "b"], "activity": "A", "timestamp": times, "x": values})


def as_csv(place: Path, values: Any) -> Path:
    frame(list(values)).to_csv(place / "log.csv", index=False)
    return place / "log.csv"


def outcome(log: Any, trained: str) -> list[str] | None:
    """The column as trained, as text; None where the log is refused."""
    read = read_log(log, ReadOptions(preferred_kinds={"x": trained}))
    try:
        column = read_as_trained(read, {"case_id": "text", "x": trained}).frame["x"]
    except LogError as error:
        assert error.code == "log.type"
        assert f"the model was trained on {WORDS[trained]}" in error.message
        return None
    assert kind_of(column) == trained
    return [str(value) for value in column]


@every_pair
def test_cells_of_csv(found: str, trained: str, tmp_path: Path) -> None:
    told = outcome(as_csv(tmp_path, WRITTEN[found]), trained)
    assert (told is not None) == ((found, trained) in CSV_READ_SO)
    if trained == "text":
        assert told == list(WRITTEN[found]), "to the letter"


@every_pair
def test_typed_columns(found: str, trained: str) -> None:
    told = outcome(frame(TYPED[found]), trained)
    assert (told is not None) == ((found, trained) in TYPED_READ_SO)
    if told is not None and found != trained:
        assert told == {"number": ["7", "12.5"], "boolean": ["true", "false"]}[found]


@pytest.mark.parametrize("trained", WRITTEN)
def test_a_column_without_values_is_of_every_type(trained: str, tmp_path: Path) -> None:
    for log in (as_csv(tmp_path, ("", "")), frame([None, None]), frame([float("nan")] * 2)):
        read = read_log(log, ReadOptions(preferred_kinds={"x": trained}))
        column = read_as_trained(read, {"x": trained}).frame["x"]
        assert kind_of(column) == trained
        assert column.isna().all()


@pytest.mark.parametrize("log", [frame(["7", "12.5"]), frame(["2024-01-01T00:00:00", "2024-02-01T08:00:00"])])
@pytest.mark.parametrize("trained", ["number", "time"])
def test_numbers_and_times_that_are_declared_text(log: pd.DataFrame, trained: str) -> None:
    told = outcome(log, trained)
    assert (told is not None) == ((log["x"][0] == "7") == (trained == "number"))


@pytest.mark.parametrize(
    "words",
    [
        ("TRUE", "false"), ("1", "0"), ("Yes", "No"), ("y", "N"), ("WAHR", "FALSCH"), ("Ja", "Nein"),
        ("vrai", "FAUX"), ("Oui", "non"), ("S\u00ed", "No"), ("Verdadero", "Falso"), ("on", "off"),
        (1, 0), (1.0, 0.0), (True, False),
    ],
)  # fmt: skip
def test_truth_values_by_other_words(words: Any, tmp_path: Path) -> None:
    assert outcome(frame(list(words)), "boolean") == ["True", "False"]
    assert outcome(as_csv(tmp_path, words), "boolean") == ["True", "False"]


@pytest.mark.parametrize("words", [("maybe", "true"), ("2", "0"), ("0.5", "1"), ("-1", "0")])
def test_what_is_no_truth_value_is_refused_with_its_place(words: Any, tmp_path: Path) -> None:
    read = read_log(as_csv(tmp_path, words), ReadOptions(preferred_kinds={"x": "boolean"}))
    with pytest.raises(LogError, match=f"no truth values, first '{words[0]}' in line 2"):
        read_as_trained(read, {"x": "boolean"})


def cases(vip: Any, n: int = 80) -> list[dict[str, Any]]:
    """Cases that are escalated where they are of a VIP; `vip` says how that is written."""
    start = pd.Timestamp("2024-01-01", tz="UTC")
    rows = []
    for case in range(n):
        is_vip = case % 3 == 0
        for step, activity in enumerate(("Open", "Check", "Escalate" if is_vip else "Close")):
            at = start + pd.Timedelta(hours=8 * case + step)
            rows.append(
                {"case_id": f"c{case}", "activity": activity, "timestamp": at, "case:vip": vip[not is_vip]}
            )
    return rows


@pytest.fixture(scope="module")
def model() -> Model:
    made = Model("outcome/logistic", outcome_activity="Escalate", attributes=("case:vip",))
    made.train(cases((True, False)))
    assert made.manifest_fields["input_schema"]["required"]["case:vip"] == "boolean"
    return made


@pytest.mark.parametrize("words", [("1", "0"), (1, 0), ("yes", "no"), ("WAHR", "FALSCH"), (True, None)])
def test_a_model_answers_alike_however_truth_values_are_written(model: Model, words: Any) -> None:
    every = PredictRequest(cases="all", every_prefix=True)
    expected = cases((True, None)) if None in words else cases((True, False))
    usual = model.predict(expected, request=every).predictions
    found = model.predict(cases(words), request=every)
    pd.testing.assert_frame_equal(usual, found.predictions)
    told = found.metadata["warnings"]
    if words in (("yes", "no"), ("WAHR", "FALSCH")):
        true, false = words
        said = f"here it is read '{min(words)}' as {str(min(words) == true).lower()}, '{max(words)}' as"
        assert len(told) == 1 and "'case:vip' held truth values in training" in told[0] and said in told[0]
        assert f"'{false}' as false" in told[0]
    else:
        assert told == []


def test_words_for_truth_values_are_told_of_every_column_that_needs_them() -> None:
    words = ["No", "n", "Off", "FALSCH", "Nein", "faux", "Falso", "onwaar", "F", "nee"]
    for word in words:
        read = read_log(frame([word, "true"]), ReadOptions(preferred_kinds={"x": "boolean"}))
        (told,) = read_words(read, {"case_id": "text", "x": "boolean"})
        assert told == f"'x' held truth values in training; here it is read '{word}' as false"
        assert read_words(read, {"x": "text"}) == []


def test_a_truth_value_that_training_never_saw_is_told() -> None:
    rows = cases((True, True))
    for row in rows[:60]:
        row["case:vip"] = None
    made = Model("outcome/logistic", outcome_activity="Escalate", attributes=("case:vip",))
    made.train(rows)
    found = made.predict(cases((True, False)), request=PredictRequest(cases="all"))
    assert any("'case:vip' that training never saw ('false')" in told for told in found.metadata["warnings"])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("anomaly/isolation-forest", {"numerical_features": "cost", "n_estimators": 10}),
        ("next-activity/linear", {}),
    ],
)
def test_numbers_that_a_log_writes_as_text_are_numbers_to_the_model(
    name: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    events = [event | {"cost": f"{rng.integers(1, 900)}"} for event in purchase_events(60)]
    log = read_log(events)
    written = replace(log, frame=log.frame.assign(cost=log.frame["cost"].astype(str)))
    model = Model(name, **parameters)
    model.train(written)
    required = model.manifest_fields["input_schema"]["required"]
    assert required.get("cost", "number") == "number"
    model.save(tmp_path / "m", check=True)
    assert len(Model.load(tmp_path / "m").predict(written, request=PredictRequest(cases="all")).predictions)
