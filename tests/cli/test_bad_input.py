"""Whatever is wrong with the input: the right exit code, one or two lines, nothing written."""

from __future__ import annotations

import builtins
import gzip
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.conftest import FAST, Run, write_csv

XES = (
    '<?xml version="1.0"?><log><trace><string key="concept:name" value="1"/><event>'
    '<string key="concept:name" value="a"/><date key="time:timestamp" value="2024-01-01T00:00:00Z"/>'
    "</event></trace></log>"
)
HEADER = "case_id,activity,timestamp\n"
ROWS = "".join(f"{c},{a},2024-01-0{d}T10:00:00Z\n" for c in range(20) for d, a in enumerate("abc", 1))
ROWS_OF_OBJECTS = [
    "ocel:eid,ocel:activity,ocel:timestamp,ocel:type:order,ocel:type:item",
    *(
        f"e{n},{activity},2024-01-0{n % 3 + 1}T10:00:00Z,\"['o{n // 3}']\",\"['i{n}', 'i{n + 1}']\""
        for n, activity in enumerate("abc" * 20)
    ),
]


def files_in(place: Path) -> dict[str, bytes | None]:
    return {str(p): p.read_bytes() if p.is_file() else None for p in sorted(place.rglob("*"))}


def assert_refused(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: "), result.stderr
    assert 1 <= len(lines) <= 2, result.stderr
    assert len(lines) == 1 or lines[1].startswith("hint: ")
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def text(content: str | bytes) -> Callable[[Path], None]:
    raw = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(raw) and None  # type: ignore[func-returns-value]


BAD_LOGS: dict[str, tuple[str, Callable[[Path], Any], int, Sequence[str]]] = {
    "missing file": ("none.csv", lambda path: None, 3, ["none.csv"]),
    "directory": ("dir.csv", lambda path: path.mkdir(), 3, ["dir.csv"]),
    "empty file": ("e.csv", text(""), 3, ["e.csv", "empty"]),
    "header only": ("h.csv", text(HEADER), 3, ["h.csv"]),
    "HTML as XES": ("page.xes", text("<!DOCTYPE html><html><body>no</body></html>"), 3, ["page.xes"]),
    "truncated XES": ("cut.xes", text(XES[:-20]), 3, ["cut.xes"]),
    "truncated gzip": ("cut.xes.gz", text(gzip.compress(XES.encode() * 9)[:-12]), 3, ["cut.xes.gz"]),
    "CSV as XES": ("log.xes", text(HEADER + ROWS), 3, ["log.xes", "not XML"]),
    "no case column": ("c.csv", text("activity,timestamp\na,2024-01-01\n"), 3, ["case_id"]),
    "two case columns": ("two.csv", text("Case ID,case id,activity\n1,2,a\n"), 3, ["Case ID", "case id"]),
    "bad times": ("t.csv", text(HEADER + ROWS + "1,a,yesterday\n"), 3, ["yesterday", "62"]),
    "ambiguous dates": ("d.csv", text(HEADER + "1,a,03/04/2024\n1,b,04/05/2024\n"), 3, ["--day-first"]),
    "one case": ("one.csv", text(HEADER + "1,a,2024-01-01\n1,b,2024-01-02\n"), 3, ["at least 10 cases"]),
    "not text": ("bin.csv", text(bytes(range(256)) * 9), 3, ["bin.csv"]),
}


@pytest.mark.parametrize("case", BAD_LOGS)
def test_a_log_that_cannot_be_used(case: str, run: Run, place: Path) -> None:
    name, make, code, words = BAD_LOGS[case]
    make(place / name)
    before = files_in(place)
    assert_refused(run("train", name, "-a", FAST, "-o", "out", "-q"), code, *words)
    assert files_in(place) == before


BAD_USAGE: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "misspelt command": (["trian"], ["trian", "did you mean 'train'?"]),
    "misspelt option": (["train", "LOG", "--contaminaton", "0.1"], ["did you mean --contamination?"]),
    "unknown algorithm": (["train", "LOG", "-a", "isolation-forst"], ["mean 'anomaly/isolation-forest'?"]),
    "unknown task": (["train", "LOG", "-t", "forcast"], ["did you mean 'forecast'?"]),
    "no algorithm": (["train", "LOG"], ["-a"]),
    "unknown parameter": (["train", "LOG", "-a", FAST, "-p", "ordr=3"], ["ordr", "did you mean 'order'?"]),
    "parameter of another algorithm": (["train", "LOG", "-a", FAST, "--horizon", "3"], ["horizon"]),
    "parameter without value": (["train", "LOG", "-a", FAST, "-p", "order"], ["NAME=VALUE"]),
    "parameter twice": (["train", "LOG", "-a", FAST, "-p", "order=2", "-p", "order=3"], ["twice"]),
    "against its shorthand": (["train", "LOG", "-a", FAST, "-p", "seed=2", "--seed", "3"], ["seed"]),
    "parameter out of range": (["train", "LOG", "-a", FAST, "-p", "order=0"], [">= 1", "default is 5"]),
    "parameter of the wrong type": (["train", "LOG", "-a", FAST, "-p", "order=many"], ["integer"]),
    "negative seed": (["train", "LOG", "-a", FAST, "--seed", "-1"], ["seed"]),
    "text as seed": (["train", "LOG", "-a", FAST, "--seed", "abc"], ["--seed", "no whole number"]),
    "text as candidates": (
        ["predict", "m", "LOG", "--candidates", "three"],
        ["'--candidates': 'three' is no whole number"],
    ),
    "text as rate": (["predict", "m", "LOG", "--fdr", "much"], ["'--fdr': 'much' is no number"]),
    "attribute that tells the outcome": (
        ["train", "LOG", "-t", "outcome", "--label-column", "x", "-p", "attributes=x"],
        ["column 'x' reveals the outcome", "leave 'x' out"],
    ),
    "unknown column role": (["train", "LOG", "-a", FAST, "--columns", "caseid=x"], ["mean 'case_id'?"]),
    "role twice": (["train", "LOG", "-a", FAST, "--columns", "activity=x", "--activity", "y"], ["activity"]),
    "unknown zone": (["train", "LOG", "-a", FAST, "--timezone", "Mars"], ["Mars"]),
    "unknown on-bad-row": (["train", "LOG", "-a", FAST, "--on-bad-row", "dorp"], ["did you mean 'drop'?"]),
    "unknown bad-value": (["train", "LOG", "-a", FAST, "--bad-value", "mising"], ["did you mean 'missing'?"]),
    "zero threads": (["train", "LOG", "-a", FAST, "--threads", "0"], ["--threads"]),
    "missing argument": (["predict"], ["MODEL"]),
    "unknown level": (["predict", "m", "LOG", "--level", "events"], ["did you mean 'event'?"]),
    "unknown cases": (["predict", "m", "LOG", "--cases", "al"], ["did you mean 'all'?"]),
    "unknown format": (["predict", "m", "LOG", "--format", "cvs"], ["did you mean 'csv'?"]),
    "unknown check": (["verify", "m", "--level", "checksum"], ["did you mean 'checksums'?"]),
    "format not told": (["convert", "LOG", "-o", "out.txt"], ["--format"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_USAGE)
def test_a_command_line_that_is_wrong(case: str, run: Run, place: Path) -> None:
    arguments, words = BAD_USAGE[case]
    before = files_in(place)
    # There is no log: a command line is checked before a log is looked for.
    result = run(*["no-such-log.csv" if a == "LOG" else a for a in arguments])
    assert_refused(result, 2, *words)
    assert files_in(place) == before


def test_a_missing_column_names_the_nearest(run: Run, csv_log: Path) -> None:
    result = run("train", csv_log, "-a", FAST, "--activity", "activty", "-q")
    assert result.exit_code in (2, 3)
    assert "activity" in result.stderr


@pytest.mark.parametrize("command", ["inspect", "train", "predict", "convert"])
def test_a_type_of_objects_in_a_log_with_cases(command: str, run: Run, place: Path, model: Path) -> None:
    text(HEADER + ROWS)(place / "log.csv")
    before = files_in(place)
    further = {"train": ["-a", FAST, "-o", "out"], "predict": ["-o", "out.csv"], "convert": ["-o", "out.xes"]}
    named = [model, "log.csv"] if command == "predict" else ["log.csv"]
    result = run(command, *named, *further.get(command, []), "-q", "--object-type", "order")
    assert_refused(result, 3, "log.csv: a log in CSV has cases", "'order'", "leave it out")
    assert files_in(place) == before


def test_a_model_of_an_object_centric_log_reads_flat_ones_too(run: Run, place: Path) -> None:
    (place / "ocel.csv").write_text("\n".join(ROWS_OF_OBJECTS))
    run("train", "ocel.csv", "-a", FAST, "-o", "m", "-q", "--object-type", "order")
    run("convert", "ocel.csv", "-o", "flat.csv", "-q", "--object-type", "order")
    of_both = [
        run("predict", "m", log, "-q", "--cases", "all", "--format", "csv")
        for log in ("ocel.csv", "flat.csv")
    ]
    assert [result.exit_code for result in of_both] == [0, 0], of_both[1].output
    assert of_both[0].stdout == of_both[1].stdout != ""


def occupied(place: Path) -> Path:
    target = place / "out"
    target.mkdir()
    (target / "precious.txt").write_text("keep")
    return target


def test_output_that_is_no_model_is_never_replaced(run: Run, place: Path) -> None:
    occupied(place)
    before = files_in(place)
    result = run("train", "none.csv", "-a", FAST, "-o", "out", "--force")
    assert_refused(result, 2, "out", "not a pmlcli model")
    assert files_in(place) == before


def test_a_model_is_replaced_only_with_force(run: Run, place: Path, model: Path, csv_log: Path) -> None:
    shutil.copytree(model, place / "out")
    before = files_in(place)
    assert_refused(run("train", csv_log, "-a", FAST, "-o", "out"), 2, "--force")
    assert files_in(place) == before
    assert run("train", csv_log, "-a", FAST, "-o", "out", "--force", "-p", "order=2").exit_code == 0
    assert files_in(place) != before


def test_a_parent_that_is_a_file(run: Run, place: Path) -> None:
    (place / "file").write_text("")
    assert_refused(run("train", "none.csv", "-a", FAST, "-o", "file/out"), 74, "not a directory")


def test_a_parent_that_may_not_be_written(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write anywhere, so the answer of the system is set.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert_refused(run("train", "none.csv", "-a", FAST, "-o", "out"), 74, "cannot write in")


def test_a_table_that_is_there_already(run: Run, place: Path, model: Path, csv_log: Path) -> None:
    (place / "scores.csv").write_text("keep")
    assert_refused(run("predict", model, csv_log, "-o", "scores.csv"), 2, "--force")
    assert (place / "scores.csv").read_text() == "keep"
    assert run("predict", model, csv_log, "-o", "scores.csv", "--force").exit_code == 0


def test_what_a_task_has_not_is_refused_before_a_log_is_read(run: Run, place: Path, model: Path) -> None:
    assert_refused(run("predict", model, "none.csv", "--sla", "3d"), 2, "no 'sla'")
    assert files_in(place) == {}


def test_an_extra_that_is_not_installed(
    run: Run, place: Path, csv_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    real_import = builtins.__import__

    def without_torch(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real_import(name, *args, **kwargs)

    for module in ("pmlcli.algorithms.next_activity.gru", "pmlcli.algorithms._learning.neural"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(builtins, "__import__", without_torch)
    before = files_in(place)
    result = run("train", csv_log, "-a", "next-activity/gru", "-o", "out")
    assert_refused(result, 4, "torch", "pmlcli[neural]")
    assert files_in(place) == before


def test_errors_are_one_document_with_json(run: Run) -> None:
    unforeseen = ("train x.csv -a ngrm", "trian", "train --sed 1", "inspect none.csv")
    for arguments in map(str.split, unforeseen):
        result = run(*arguments, "--json")
        document = json.loads(result.stdout)
        assert result.stderr == ""
        assert document["schema"] == "pmlcli/error/1"
        assert document["error"]["exit_code"] == result.exit_code > 1
        assert document["error"]["message"]


def test_control_characters_in_an_error_are_visible(run: Run) -> None:
    result = run("algorithms", "\x1b[31mred\u202e")
    assert "\x1b" not in result.stderr
    assert "\\x1b[31mred\\u202e" in result.stderr


def test_debug_shows_where(run: Run) -> None:
    result = run("algorithms", "no-such", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


def test_write_csv_writes_what_can_be_read(place: Path, run: Run) -> None:
    assert run("inspect", write_csv(place / "x.csv", 5)).exit_code == 0
