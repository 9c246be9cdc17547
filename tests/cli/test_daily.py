"""`predict` for every day: order, the riskiest, what is new since the last run, what was accepted."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from pmlcli.cli.app import app
from pmlcli.render import frame
from tests.cli.conftest import Run
from tests.logs import purchase_events

HOSTILE = ["=1+1", "a,b", 'say "x"', "-2", " spaced ", "über::x", "'=q"]
READ = ["=1+1", "a,b", 'say "x"', "-2", "spaced", "über::x", "=q"]
"""The same as the reader gives them: without blanks at the ends, and the mark before a formula taken off."""
STAMP = ["model_id", "root_digest", "predicted_at"]
ASK = {
    "anomaly/variant-frequency": [],
    "remaining-time/median": ["--cases", "all"],
    "next-activity/ngram": ["--cases", "all"],
    "suffix/medoid": ["--cases", "all"],
    "outcome/prior": ["--cases", "all"],
}
RISK = {"anomaly": "score", "remaining-time": "remaining_seconds", "next-activity": "-probability",
        "suffix": "remaining_seconds", "outcome": "positive_probability"}  # fmt: skip


def log_frame(cases: int = 40, seed: int = 0) -> pd.DataFrame:
    table = pd.DataFrame(purchase_events(cases, seed))
    names = dict(zip(table["case_id"].unique(), HOSTILE, strict=False))
    return table.assign(case_id=table["case_id"].replace(names))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a log and a model of each task."""
    made = tmp_path_factory.mktemp("daily")
    log_frame().to_csv(made / "log.csv", index=False)
    for name in [*ASK, "forecast/seasonal-naive"]:
        more = {"outcome/prior": ["--slower-than", "2d"]}.get(name, [])
        more = ["--kpi", "arrivals", "--horizon", "2", "--frequency", "H"] if "forecast" in name else more
        target = made / name.partition("/")[0]
        done = CliRunner().invoke(app, ["train", str(made / "log.csv"), "-a", name, "-o", str(target), *more])
        assert done.exit_code == 0, done.output
    return made


@pytest.fixture
def ask(run: Run, place: Path, home: Path) -> Any:
    shutil.copytree(home, place, dirs_exist_ok=True)

    def predict(task: str, *more: object, log: str = "log.csv") -> Result:
        name = next((name for name in ASK if name.startswith(task)), "")
        return run("predict", task, log, *ASK.get(name, []), *more)

    return predict


def table_of(done: Result) -> pd.DataFrame:
    assert done.exit_code == 0, done.output
    return pd.read_csv(io.StringIO(done.stdout), dtype={"case_id": str}, keep_default_na=False)


# --- who said it, and when


@pytest.mark.parametrize("task", [*RISK, "forecast"])
def test_every_table_says_which_model_made_it_and_when(ask: Any, place: Path, task: str) -> None:
    document = json.loads(ask(task, "--json").stdout)
    assert document["predicted_at"] == "2024-06-01T00:00:00Z"
    assert len(document["root_digest"]) == 64
    assert document["seconds"] >= 0
    assert document["rows"] == document["n_predicted"] == len(document["predictions"])
    assert ("n_flagged" in document) is (task == "anomaly")
    expected = [document[name] for name in STAMP]
    for ending in ("csv", "jsonl", "parquet"):
        assert ask(task, "-o", f"a.{ending}").exit_code == 0
    tables = [pd.read_csv("a.csv"), pd.DataFrame(map(json.loads, Path("a.jsonl").read_text().splitlines()))]
    for table in (*tables, pd.read_parquet("a.parquet")):
        assert list(table.columns[-3:]) == STAMP
        assert table[STAMP].drop_duplicates().to_numpy().tolist() == [expected]
    assert f"root digest {document['root_digest']}" in ask(task).stderr


def test_the_flagged_are_counted_of_all_rows(ask: Any) -> None:
    table = table_of(ask("anomaly"))
    document = json.loads(ask("anomaly", "--json", "--top", "1").stdout)
    assert document["n_flagged"] == (table["is_anomaly"] == True).sum() > 0  # noqa: E712
    assert (document["rows"], document["n_predicted"]) == (1, len(table))


# --- order


@pytest.mark.parametrize("task", RISK)
def test_top_gives_the_riskiest_of_all(ask: Any, task: str) -> None:
    whole, top = table_of(ask(task)), table_of(ask(task, "--top", "5"))
    risk = RISK[task].removeprefix("-")
    is_lowest = RISK[task].startswith("-")
    expected = whole.sort_values(risk, ascending=is_lowest, kind="stable").head(5)
    assert top["case_id"].tolist() == expected["case_id"].tolist()


@pytest.mark.parametrize("task", [*RISK, "forecast"])
def test_every_column_can_be_sorted_by_both_ways(ask: Any, task: str) -> None:
    whole = json.loads(ask(task, "--json").stdout)["predictions"]
    for column in whole[0]:
        for direction in ("asc", "desc"):
            done = ask(task, "--sort", f"{column}:{direction}", "--json")
            rows = json.loads(done.stdout)["predictions"]
            assert sorted(map(str, rows)) == sorted(map(str, whole))
            given = [row[column] for row in rows]
            known = [value for value in given if value is not None]
            assert given == sorted(known, reverse=direction == "desc") + [None] * (len(given) - len(known))


def test_without_a_direction_the_highest_number_and_the_first_text_lead(ask: Any) -> None:
    assert table_of(ask("anomaly", "--sort", "score"))["score"].is_monotonic_decreasing
    assert table_of(ask("anomaly", "--sort", "current_activity"))["current_activity"].is_monotonic_increasing
    assert table_of(ask("anomaly", "--sort", "is_anomaly"))["is_anomaly"].iloc[0]
    two = table_of(ask("anomaly", "--sort", "current_activity", "--top", "2"))
    assert len(two) == 2


@pytest.mark.parametrize(
    ("task", "arguments", "said"),
    [
        ("anomaly", ["--sort", "scor"], "did you mean 'score'"),
        ("anomaly", ["--sort", "nothing:like"], "there are: case_id, current_activity"),
        ("anomaly", ["--sort", "score:up"], "no column 'score:up'"),
        ("anomaly", ["--top", "0"], "--top"),
        ("anomaly", ["--top", "many"], "no whole number"),
        ("forecast", ["--top", "1"], "has no riskiest row"),
        ("forecast", ["--new-since", "log.csv"], "is about none"),
        ("forecast", ["--accept", "log.csv"], "is about none"),
        ("anomaly", ["--keep-all", "all.json"], "writes CSV"),
        ("anomaly", ["--keep-all", "log.csv"], "is there already"),
        ("anomaly", ["--new-since", "log.csv"], "no column 'model_id'"),
        ("anomaly", ["--new-since", "utf16.csv"], "not UTF-8"),
        ("anomaly", ["--new-since", "empty.csv"], "is empty"),
        ("anomaly", ["--accept", "utf16.csv"], "not UTF-8"),
    ],
)
def test_what_cannot_be_given_is_one_line_and_nothing_is_written(
    ask: Any, place: Path, task: str, arguments: list[str], said: str
) -> None:
    (place / "utf16.csv").write_bytes("case_id\nä\n".encode("utf-16"))
    (place / "empty.csv").write_text("")
    before = {path.name for path in place.iterdir()}
    keep = [] if "--keep-all" in arguments else ["--keep-all", "all.csv"]
    done = ask(task, *arguments, *keep, "-o", "out.csv")
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert {path.name for path in place.iterdir()} == before


def test_a_file_that_is_not_there_is_said(ask: Any) -> None:
    for option in ("--accept", "--new-since"):
        done = ask("anomaly", option, "nowhere.csv")
        assert (done.exit_code, "nowhere.csv: no such file" in done.stderr) == (74, True)


# --- what is new


def test_the_first_run_gives_all_that_is_flagged_and_the_second_nothing(ask: Any, place: Path) -> None:
    days = ["--new-since", "last.csv", "--keep-all", "last.csv"]
    first = table_of(ask("anomaly", *days))
    whole = table_of(ask("anomaly"))
    assert set(first["change"]) == {"new"}
    flagged = whole[whole["is_anomaly"]]
    assert first["case_id"].tolist() == flagged["case_id"].tolist()
    assert len(pd.read_csv(place / "last.csv")) == len(whole)
    second = ask("anomaly", *days, "-o", "new.csv", "-q")
    assert (second.exit_code, second.output) == (0, "")
    assert len(pd.read_csv(place / "new.csv")) == 0


@pytest.mark.parametrize("task", RISK)
def test_a_case_that_was_not_there_is_new_whatever_its_name(ask: Any, place: Path, task: str) -> None:
    log = pd.read_csv("log.csv")
    late = log["case_id"].isin(HOSTILE)
    log[~late].to_csv("before.csv", index=False)
    assert ask(task, "-o", "last.csv", log="before.csv").exit_code == 0
    found = table_of(ask(task, "--new-since", "last.csv", "--raw-csv"))
    whole = table_of(ask(task, "--raw-csv"))
    expected = whole["case_id"].isin(READ) & (whole["is_anomaly"] if task == "anomaly" else True)
    assert found["case_id"][found["change"] == "new"].tolist() == whole["case_id"][expected].tolist()
    again = table_of(ask(task, "-o", "whole.csv") and ask(task, "--new-since", "whole.csv"))
    assert len(again) == 0


def edited(path: str, **changes: Any) -> None:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.DataFrame({**table, **{name: change(table) for name, change in changes.items()}}).to_csv(
        path, index=False
    )


def test_worse_is_a_higher_severity_or_a_risk_that_grew(ask: Any) -> None:
    ask("anomaly", "-o", "a.csv")
    edited("a.csv", severity=lambda t: t["severity"].where(t["is_anomaly"] != "true", "low"))
    worse = table_of(ask("anomaly", "--new-since", "a.csv"))
    whole = table_of(ask("anomaly"))
    expected = whole[whole["is_anomaly"] & (whole["severity"] != "low")]
    assert set(worse["change"]) <= {"worse"}
    assert worse["case_id"].tolist() == expected["case_id"].tolist()
    for task, column, by in (
        ("remaining-time", "remaining_seconds", lambda v: v / 1.2 - 1),
        ("outcome", "positive_probability", lambda v: v - 0.2),
        ("next-activity", "probability", lambda v: v + 0.2),
    ):
        ask(task, "-o", f"{task}.csv")
        edited(f"{task}.csv", **{column: lambda t, c=column, f=by: t[c].astype(float).map(f)})
        found = table_of(ask(task, "--new-since", f"{task}.csv"))
        assert len(found)
        assert set(found["change"]) == {"worse"}, task
        ask(task, "-o", f"{task}2.csv")
        edited(f"{task}2.csv", **{column: lambda t, c=column: t[c].astype(float) * 0.99 + 0.001})
        assert len(table_of(ask(task, "--new-since", f"{task}2.csv"))) == 0


def test_a_run_of_another_model_is_refused_and_of_an_earlier_training_warned_of(ask: Any) -> None:
    ask("suffix", "-o", "last.csv")
    done = ask("remaining-time", "--new-since", "last.csv")
    assert done.exit_code == 2
    assert "a run of the model 'suffix-medoid', and this is 'remaining-time-median'" in done.stderr
    ask("anomaly", "-o", "old.csv")
    edited("old.csv", root_digest=lambda t: "0" * 64)
    done = ask("anomaly", "--new-since", "old.csv")
    assert done.exit_code == 0
    assert "trained anew since that run" in done.stderr
    edited("old.csv", case_id=lambda t: "twice")
    done = ask("anomaly", "--new-since", "old.csv")
    assert (done.exit_code, "stands there twice" in done.stderr) == (2, True)


def test_events_and_prefixes_are_known_by_their_place(ask: Any) -> None:
    ask("next-activity", "--every-prefix", "-o", "prefixes.csv")
    edited("prefixes.csv", probability=lambda t: t["probability"].where(t.index != 3, "1.5"))
    found = table_of(ask("next-activity", "--every-prefix", "--new-since", "prefixes.csv"))
    assert found["change"].tolist() == ["worse"]
    done = ask("next-activity", "--new-since", "prefixes.csv")
    assert done.exit_code == 0
    assert len(table_of(done)) == 0


# --- what was accepted


def test_accepted_cases_are_left_out_for_good_or_until_a_day(ask: Any, place: Path) -> None:
    whole = table_of(ask("anomaly", "--raw-csv"))
    names = whole["case_id"].tolist()
    lines = [f'"{name}"'.replace('say "x"', 'say ""x""') for name in HOSTILE]
    ends = ["", ",2024-06-01", ",2024-05-31", ",2099-01-01,looked at by me", ",", "", ""]
    text = "case_id,until,note\n" + "\n\n".join(map("".join, zip(lines, ends, strict=True))) + "\nnobody\n"
    (place / "accepted.csv").write_text(text)
    done = ask("anomaly", "--accept", "accepted.csv", "--raw-csv")
    left = table_of(done)["case_id"].tolist()
    assert left == [name for name in names if name not in READ or name == READ[2]]
    assert "left out 6 accepted rows; 1 case no longer accepted" in done.stderr
    document = json.loads(ask("anomaly", "--accept", "accepted.csv", "--json").stdout)
    assert document["n_accepted"] == 6
    assert document["n_predicted"] == len(names)


def test_a_column_of_a_table_that_predict_wrote_can_be_accepted_as_it_is(ask: Any, place: Path) -> None:
    table = pd.read_csv(io.StringIO(ask("anomaly").stdout), dtype=str, keep_default_na=False)
    table[["case_id"]].to_csv(place / "accepted.csv", index=False)
    assert len(table_of(ask("anomaly", "--accept", "accepted.csv"))) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case_id,until\nA,soon\n", "line 2: 'soon' is no day"),
        ("A,2024-01-01\nA,2024-01-02\n", "line 2: case 'A' stands there twice"),
        ("case_id,note,until\nA,x,2024-01-01\n", "the column 'until' is to be the second"),
        ('A,"2024\n', "no CSV"),
    ],
)
def test_a_list_that_cannot_be_read_says_the_line(ask: Any, place: Path, text: str, said: str) -> None:
    (place / "accepted.csv").write_text(text)
    done = ask("anomaly", "--accept", "accepted.csv", "-o", "out.csv")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (place / "out.csv").exists()


# --- what is read is rounded


def test_a_table_to_read_is_rounded_to_what_it_is_worth_and_raw_is_not() -> None:
    stamps = pd.to_datetime(["2024-05-01T12:34:56.789+02:00", None]).tz_convert("Europe/Berlin")
    table = pd.DataFrame(
        {
            "case_id": ["a", "b"],
            "age_days": [12.3456789, 1234.5],
            "remaining_seconds": [1_065_600.5, 90_000.0],
            "lower": [100.0, 86_400.0],
            "upper": [2_000_000.0, 93_600.0],
            "late_probability": [0.87654321, 0.001],
            "score": [0.123456789, float("nan")],
            "due": stamps,
            "is_late": [True, False],
        }
    )
    units = {"lower": "seconds", "upper": "seconds", "late_probability": "share", "age_days": "days"}
    first, second = frame.table(table, units=units).rows
    assert first[1:] == ("12.3 d", "12 d", "0 s", "23 d", "88 %", "0.123", "2024-05-01 12:34", "yes")
    assert second[1:] == ("1,234 d", "1 d 1 h", "1 d", "1 d 2 h", "< 1 %", "", "", "no")
    raw = frame.table(table, units=units, raw=True).rows[0]
    assert raw[1:6] == ("12.3456789", "1065600.5", "100.0", "2000000.0", "0.87654321")
    assert raw[7] == "2024-05-01T12:34:56.789+02:00"


# --- when a night is a bad one


def test_a_night_with_something_new_is_exit_6_and_one_line_and_the_next_is_quiet(
    ask: Any, place: Path
) -> None:
    night = ["--new-since", "last.csv", "--keep-all", "last.csv", "-o", "new.csv", "--force", "-q",
             "--fail-if", "rows>0", "--metrics", "night.prom"]  # fmt: skip
    first = ask("anomaly", *night)
    assert (first.exit_code, first.stdout, first.stderr.count("\n")) == (6, "", 1)
    assert "gate 'rows>0' is crossed: rows is" in first.stderr
    assert len(pd.read_csv(place / "last.csv")) == 40
    assert (
        'pmlcli_predict_n_new{model="anomaly-variant-frequency",log="log.csv"}'
        in Path("night.prom").read_text()
    )
    second = ask("anomaly", *night)
    assert (second.exit_code, second.output) == (0, "")
    assert (
        'pmlcli_predict_rows{model="anomaly-variant-frequency",log="log.csv"} 0.0'
        in Path("night.prom").read_text()
    )


def test_a_gate_on_what_this_run_does_not_count_writes_nothing(ask: Any, place: Path) -> None:
    done = ask("anomaly", "--fail-if", "n_new>0", "-o", "a.csv", "--metrics", "a.prom", "--keep-all", "b.csv")
    assert done.exit_code == 2
    assert "there are: rows, n_predicted, n_flagged" in done.stderr
    assert not {"a.csv", "a.prom", "b.csv"} & {path.name for path in place.iterdir()}
    done = ask("anomaly", "--json", "--fail-if", "n_flagged>0", "--fail-if", "rows>99")
    document = json.loads(done.stdout)
    assert done.exit_code == 6
    assert document["n_flagged"] > 0
    assert [one["is_crossed"] for one in document["gates"]] == [True, False]
