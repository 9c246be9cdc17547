"""What the commands print, where they print it, and what they leave behind."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli import registry
from pmlcli.eventlog import read_log
from tests.cli.conftest import FAST, Run, write_csv


def test_train_prints_the_path_and_tells_the_rest_on_stderr(run: Run, place: Path, csv_log: Path) -> None:
    result = run("train", csv_log, "-a", "ngram", "-p", "order=2")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "models/next-activity-ngram\n"
    assert (place / "models" / "next-activity-ngram" / "manifest.json").is_file()
    for told in ("read orders.csv (csv):", "of 60 cases", "columns: case_id = case_id", "time zone: UTC"):
        assert told in result.stderr
    assert "this is the baseline of its task" in result.stderr
    assert "root digest " in result.stderr


def test_train_as_json(run: Run, csv_log: Path) -> None:
    result = run("train", csv_log, "-a", FAST, "-o", "m", "--model-id", "mine", "--seed", "7", "--json", "-q")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["schema"] == "pmlcli/train/1"
    assert (document["path"], document["model_id"], document["model_type"]) == ("m", "mine", FAST)
    assert document["parameters"]["seed"] == 7
    assert document["training_log"]["cases"] == 60
    assert list(document["metrics"].values())[0]["verdict"] == "is the baseline"
    inspected = json.loads(run("inspect", "m", "--json").stdout)
    assert inspected["root_digest"] == document["root_digest"]


def test_quiet_prints_nothing_on_success(run: Run, csv_log: Path) -> None:
    for arguments in (
        ["train", csv_log, "-a", FAST, "-o", "m"],
        ["predict", "m", csv_log, "-o", "p.csv", "--cases", "all"],
        ["verify", "m"],
        ["convert", csv_log, "-o", "log.xes"],
    ):
        result = run(*arguments, "-q")
        assert (result.exit_code, result.output) == (0, ""), arguments


def test_the_log_file_keeps_what_quiet_leaves_out(run: Run, place: Path, csv_log: Path) -> None:
    assert run("train", csv_log, "-a", FAST, "-o", "m", "-q", "--log-file", "run.log").exit_code == 0
    lines = (place / "run.log").read_text().splitlines()
    assert any("read orders.csv" in line for line in lines)
    assert all(line[4] == "-" and "+00:00 " in line for line in lines)


def test_predict_to_a_pipe_a_file_and_json_agree(run: Run, place: Path, model: Path, csv_log: Path) -> None:
    piped = run("predict", model, csv_log, "--cases", "all")
    assert piped.exit_code == 0, piped.stderr
    table = pd.read_csv(io.StringIO(piped.stdout), dtype={"case_id": str})
    assert len(table) == 60
    assert run("predict", model, csv_log, "--cases", "all", "-o", "p.csv").stdout == ""
    assert (place / "p.csv").read_text() == piped.stdout
    assert run("predict", model, csv_log, "--cases", "all", "-o", "-").stdout == piped.stdout
    lines = run("predict", model, csv_log, "--cases", "all", "--format", "jsonl").stdout.splitlines()
    document = json.loads(run("predict", model, csv_log, "--cases", "all", "--json").stdout)
    assert document["schema"] == "pmlcli/predict/1"
    stamp = {name: document[name] for name in ("model_id", "root_digest", "predicted_at")}
    assert [row | stamp for row in document["predictions"]] == [json.loads(line) for line in lines]
    assert [row["probability"] for row in document["predictions"]] == table["probability"].tolist()


def test_candidates_and_every_prefix_reach_the_model(run: Run, model: Path, csv_log: Path) -> None:
    one = run("predict", model, csv_log, "--cases", "all", "--candidates", "1").stdout.splitlines()
    every = run("predict", model, csv_log, "--every-prefix", "--cases", "all").stdout.splitlines()
    assert len(every) > len(one)


def test_unseen_values_are_told(run: Run, place: Path, model: Path, csv_log: Path) -> None:
    frame = pd.read_csv(csv_log, dtype=str)
    frame.loc[3, "activity"] = "Never Seen \x1b[31m"
    frame.to_csv(place / "new.csv", index=False)
    result = run("predict", model, "new.csv", "--cases", "all")
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "Never Seen \\x1b[31m" in result.stderr
    document = json.loads(run("predict", model, "new.csv", "--cases", "all", "--json").stdout)
    assert any("Never Seen" in warning for warning in document["warnings"])


def test_another_process_ends_with_3_and_quiet_hides_no_serious_warning(
    run: Run, place: Path, model: Path, csv_log: Path
) -> None:
    frame = pd.read_csv(csv_log, dtype=str)
    every = np.arange(len(frame))
    for name, share in (("some.csv", 0.2), ("most.csv", 0.8)):
        is_new = every < share * len(frame)
        frame.assign(activity=frame["activity"].where(~is_new, "Elsewhere")).to_csv(name, index=False)
    some = run("predict", model, "some.csv", "--cases", "all", "-q")
    assert some.exit_code == 0
    assert some.stderr.startswith("warning: some.csv: the process may have changed: 1 of")
    refused = run("predict", model, "most.csv", "--cases", "all", "-q", "--json")
    assert refused.exit_code == 3
    assert json.loads(refused.stdout or refused.stderr)["error"]["code"] == "log.foreign"
    allowed = run("predict", model, "most.csv", "--cases", "all", "-q", "--foreign", "allow")
    assert allowed.exit_code == 0
    assert "this is another process" in allowed.stderr
    assert run("predict", model, "some.csv", "--foreign", "maybe").exit_code == 2


def test_no_running_case_is_told_with_the_way_out(run: Run, place: Path, model: Path, csv_log: Path) -> None:
    frame = pd.read_csv(csv_log, dtype=str)
    # One case that ended years after all others: at the end of the log nothing runs.
    late = frame[frame["case_id"] == frame["case_id"].iloc[0]].assign(case_id="late")
    late["timestamp"] = late["timestamp"].str.replace("2024-", "2034-")
    pd.concat([frame, late]).to_csv(place / "old.csv", index=False)
    result = run("predict", model, "old.csv")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert "--cases all" in result.stderr


def test_inspect_a_model(run: Run, model: Path) -> None:
    result = run("inspect", model)
    assert result.exit_code == 0
    for shown in (FAST, "orders.csv: ", "root digest", "SHA-256", "order"):
        assert shown in result.stdout
    document = json.loads(run("inspect", model, "--json").stdout)
    assert document["schema"] == "pmlcli/model/1"
    assert document["model_type"] == FAST


def test_inspect_a_log_from_a_file_and_from_stdin(run: Run, csv_log: Path) -> None:
    result = run("inspect", csv_log, "--timezone", "Europe/Berlin")
    assert result.exit_code == 0
    assert "60, " in result.stdout
    assert "Europe/Berlin" in result.stdout
    document = json.loads(run("inspect", csv_log, "--json").stdout)
    assert document["schema"] == "pmlcli/log/1"
    assert document["profile"]["cases"] == 60
    piped = json.loads(run("inspect", "-", "--json", input=csv_log.read_bytes()).stdout)
    assert piped["profile"] == document["profile"]


def test_verify_says_what_each_check_promises(run: Run, model: Path) -> None:
    result = run("verify", model)
    assert result.exit_code == 0, result.output
    assert "detects damage, not tampering" in result.stdout
    document = json.loads(run("verify", model, "--json").stdout)
    assert document["schema"] == "pmlcli/verify/1"
    assert document["ok"] is True
    assert [check["check"] for check in document["models"][0]["checks"]][:2] == ["structure", "checksums"]
    low = json.loads(run("verify", model, "--json", "--level", "checksums").stdout)
    assert low["models"][0]["reached"] == "checksums"


def test_verify_holds_against_a_digest(run: Run, model: Path) -> None:
    digest = json.loads(run("inspect", model, "--json").stdout)["root_digest"]
    assert run("verify", model, "--expect-digest", digest).exit_code == 0
    assert run("verify", model, "--expect-digest", "0" * 64).exit_code == 5


def test_one_bad_model_among_several_fails(run: Run, model: Path, place: Path) -> None:
    shutil.copytree(model, place / "damaged")
    next((place / "damaged" / "artifacts").iterdir()).write_bytes(b"")
    result = run("verify", model, "damaged")
    assert result.exit_code == 5
    assert "verified up to" in result.stdout
    assert "verification failed" in result.stdout


def test_algorithms_are_listed_and_shown(run: Run) -> None:
    listed = run("algorithms").stdout
    assert all(f"  {name.partition('/')[2]} " in listed for name in registry.names())
    assert all(f"-a {task}/NAME" in listed for task in registry.tasks())
    for name in registry.names():
        shown = run("algorithms", name).stdout
        assert all(parameter.name in shown for parameter in registry.card(name).parameters)
    document = json.loads(run("algorithms", FAST, "--json").stdout)
    assert document["schema"] == "pmlcli/algorithm/1"
    assert run("algorithms", "-t", "forecast").stdout.count("next-activity") == 0


@pytest.mark.parametrize("suffix", ["xes", "xes.gz", "parquet", "csv.gz"])
def test_convert_keeps_the_log(run: Run, csv_log: Path, suffix: str) -> None:
    result = run("convert", csv_log, "-o", f"log.{suffix}")
    assert (result.exit_code, result.stdout) == (0, f"log.{suffix}\n"), result.stderr
    profiles = [
        json.loads(run("inspect", log, "--json").stdout)["profile"] for log in (csv_log, f"log.{suffix}")
    ]
    for same in ("cases", "events", "activities", "variants", "first_event", "resources"):
        assert profiles[0][same] == profiles[1][same]


def test_convert_to_stdout(run: Run, csv_log: Path) -> None:
    result = run("convert", csv_log, "-o", "-", "--format", "csv", "-q")
    assert result.stdout.startswith("case_id,activity,timestamp,")


def test_columns_by_their_names_here(run: Run, place: Path, csv_log: Path) -> None:
    frame = pd.read_csv(csv_log, dtype=str).rename(columns={"case_id": "Nr", "activity": "Was"})
    frame.to_csv(place / "x.csv", index=False)
    assert run("inspect", "x.csv", "--case-id", "Nr", "--activity", "Was").exit_code == 0
    assert run("inspect", "x.csv", "--columns", "case-id=Nr", "--columns", "activity=Was").exit_code == 0


def test_a_formula_in_a_log_is_harmless_in_csv(run: Run, place: Path, model: Path) -> None:
    log = write_csv(place / "f.csv", 30)
    log.write_text(log.read_text().replace("PO-0000", "=HYPERLINK(1)"))
    assert "\n'=HYPERLINK(1)," in run("predict", model, log, "--cases", "all").stdout
    assert "\n=HYPERLINK(1)," in run("predict", model, log, "--cases", "all", "--raw-csv").stdout


@pytest.mark.parametrize("ending", ["csv", "xes.gz", "parquet"])
def test_predict_writes_the_log_back_with_its_predictions(
    run: Run, place: Path, model: Path, csv_log: Path, ending: str
) -> None:
    target = place / f"annotated.{ending}"
    shown = run("predict", model, csv_log, "--cases", "all", "--annotate", target, "-o", "out.csv", "-q")
    assert shown.exit_code == 0, shown.stderr
    again = read_log(target)
    assert again.n_events == read_log(csv_log).n_events
    assert again.frame["case:pmlcli:next_activity"].notna().all()
    again_shown = run("predict", model, csv_log, "--annotate", target)
    assert again_shown.exit_code == 2
    assert "is there already" in again_shown.stderr
    assert run("predict", model, "--annotate", place / "x.csv").exit_code == 2
    assert run("predict", model, csv_log, "--annotate", place / "x.xls").exit_code == 2


def test_filters_are_counted_and_told(run: Run, place: Path, csv_log: Path) -> None:
    shown = run(
        "convert", csv_log, "-o", "few.xes", "--min-events", "3", "--variants-top", "2", "--running", "mark"
    )
    assert shown.exit_code == 0, shown.stderr
    assert "filtered " in shown.stderr
    assert "case is not of the 2 most frequent variants" in shown.stderr
    assert "case:is_running" in read_log(place / "few.xes").frame.columns
    assert run("convert", csv_log, "-o", "x.csv", "--where", "resource").exit_code == 2
    assert run("convert", csv_log, "-o", "x.csv", "--start-activity", "Nonsense").exit_code == 3
