"""Output, gates and exit codes that all measuring commands share, shown on one that measures nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner, Result

from pmlcli.cli import _complete
from pmlcli.cli._group import flatten
from pmlcli.cli._measuring import MeasuringOptions, finish
from pmlcli.cli._options import CommonOptions
from pmlcli.cli.app import _Command, _Group
from pmlcli.evaluation.assessment import Assessment, Figure, Section
from pmlcli.render.assessment import FORMATS
from tests.cli.conftest import Run

FIGURES = [
    Figure("accuracy", 0.652123456, "share", 200, 0.6, 0.7),
    Figure("accuracy", 0.4, "share", group={"activity": "Wait"}),
    Figure("coverage_90", None, "share"),
]
FOUND = Assessment(
    "measure", "worse", "right 65.2 %: worse than in training", True, FIGURES,
    [Section("by activity", rows=[{"activity": "Wait", "accuracy": 0.4}])], ["only 200 cases"],
    {"model": "m", "log": "new.csv", "root_digest": "ab", "measured_at": "2024-05-01T00:00:00+00:00"},
)  # fmt: skip
MADE = {"table": "txt", "csv": "csv", "json": "json", "markdown": "md", "junit": "xml"}

app = typer.Typer(cls=_Group)


@app.callback()
def _root() -> None: ...


def measure(common: CommonOptions, measuring: MeasuringOptions) -> None:
    """Measures nothing."""
    with common.session() as session:
        measuring.check(session)
        session.note("measured")
        finish(FOUND, measuring, session)


app.command("measure", cls=_Command)(flatten(measure))
Measure = Callable[..., Result]


@pytest.fixture
def ask(place: Path) -> Measure:
    return lambda *arguments: CliRunner().invoke(app, ["measure", *map(str, arguments)])


def test_the_shell_is_offered_what_there_is() -> None:
    assert tuple(_complete.measured_formats()) == FORMATS


def test_the_answer_is_a_table_on_stdout_and_a_file_by_its_ending(ask: Measure, place: Path) -> None:
    shown = ask()
    assert shown.exit_code == 0
    assert shown.stdout.startswith("right 65.2 %: worse than in training\n")
    assert "only 200 cases" in shown.stderr
    for chosen, ending in MADE.items():
        done = ask("-o", f"a.{ending}")
        assert (done.exit_code, done.stdout) == (0, ""), done.output
        assert ask("--format", chosen).stdout == (place / f"a.{ending}").read_text(), chosen


def test_a_crossed_gate_is_exit_6_once_all_is_written(ask: Measure, place: Path) -> None:
    done = ask("--fail-if", "accuracy<0.7", "--fail-if", "accuracy[activity=Wait] < 50%", "-o", "a.xml",
               "--metrics", "a.prom")  # fmt: skip
    assert done.exit_code == 6
    assert done.stderr.count("is crossed") == 2
    assert "accuracy is 0.652123" in done.stderr
    assert len(ElementTree.parse(place / "a.xml").findall(".//failure")) == 2
    assert "pmlcli_measure_gates_crossed{" in (place / "a.prom").read_text()
    assert ask("--fail-if", "accuracy<0.6").exit_code == 0


def test_json_stays_one_document_when_a_gate_is_crossed(ask: Measure) -> None:
    done = ask("--json", "--fail-if", "accuracy<0.7")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["exit_code"]) == (6, 6)
    assert document["gates"] == [{"gate": "accuracy<0.7", "value": 0.652123456, "is_crossed": True}]
    assert document["warnings"] == ["only 200 cases"]
    assert "is crossed" in done.stderr


@pytest.mark.parametrize("fails", [None, False, True])
@pytest.mark.parametrize("gate", [[], ["--fail-if", "accuracy<0.6"], ["--fail-if", "accuracy<0.7"]])
def test_every_form_says_the_exit_code_with_which_the_run_ends(
    ask: Measure, monkeypatch: pytest.MonkeyPatch, gate: list[str], fails: bool | None
) -> None:
    monkeypatch.setitem(globals(), "FOUND", replace(FOUND, fails=fails))
    done = {chosen: ask("--format", chosen, *gate) for chosen in FORMATS}
    code = 6 if fails or gate[1:] == ["accuracy<0.7"] else 0
    assert {result.exit_code for result in done.values()} == {code}
    assert json.loads(done["json"].stdout)["exit_code"] == code
    suite = ElementTree.fromstring(done["junit"].stdout)
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["exit_code"] == str(code)
    if gate or fails is not None:
        assert bool(suite.findall(".//failure")) == bool(code)
    assert ("::error" in done["github"].stdout) == bool(code)


def test_quiet_is_one_line_on_bad_days_and_none_on_good_ones(
    ask: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("-q").output == "warning: right 65.2 %: worse than in training\n"
    crossed = ask("-q", "--fail-if", "accuracy<0.7")
    assert (crossed.stdout, crossed.stderr.count("\n")) == ("", 1)
    good = Assessment("measure", "fine", "all fine", False, FIGURES[:2])
    monkeypatch.setitem(globals(), "FOUND", good)
    assert ask("-q", "--fail-if", "accuracy<0.6", "--metrics", "a.prom", "-o", "a.json").output == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fail-if", "accuracy is low"], "is no gate"),
        (["--fail-if", "acuracy<0.7"], "there are: accuracy, accuracy[activity=Wait], coverage_90"),
        (["--fail-if", "accuracy>1"], "can never be true"),
        (["--format", "jsonn"], "did you mean 'json'"),
        (["--json", "--format", "csv"], "exclude each other"),
        (["-o", "a.pdf"], "cannot be written as '.pdf'"),
        (["-o", "."], "is a directory"),
        (["--metrics", "."], "is a directory"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    ask: Measure, place: Path, arguments: list[str], said: str
) -> None:
    extra = [] if "-o" in arguments else ["-o", "a.json"]
    extra += [] if "--metrics" in arguments else ["--metrics", "a.prom"]
    done = ask(*arguments, *(extra if "--json" not in arguments else ["--metrics", "a.prom"]))
    assert done.exit_code == 2, done.output
    assert said in done.stderr + done.stdout
    assert list(place.iterdir()) == []


def test_metrics_are_replaced_as_a_whole_and_other_files_are_not(ask: Measure, place: Path) -> None:
    (place / "a.prom").write_text("old\n" * 1000)
    assert ask("--metrics", "a.prom").exit_code == 0
    assert "old" not in (place / "a.prom").read_text()
    (place / "a.json").write_text("old")
    assert ask("-o", "a.json").exit_code == 2
    assert (place / "a.json").read_text() == "old"
    assert ask("-o", "a.json", "--force").exit_code == 0


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_log_file_of_json_lines_tells_runs_apart_and_how_each_ended(ask: Measure, place: Path) -> None:
    ask("--log-file", "run.jsonl")
    ask("--log-file", "run.jsonl", "-q", "--fail-if", "accuracy<0.7")
    lines = lines_of(place / "run.jsonl")
    runs = list(dict.fromkeys(line["run_id"] for line in lines))
    assert len(runs) == 2
    ends = [line for line in lines if line["kind"] == "end"]
    assert [(end["run_id"], end["exit_code"]) for end in ends] == [(runs[0], 0), (runs[1], 6)]
    assert all(isinstance(end["seconds"], float) and end["seconds"] >= 0 for end in ends)
    assert {"note", "warning", "error", "end"} == {line["kind"] for line in lines}
    assert any(line["kind"] == "error" and line["code"] == "gate" for line in lines)


WRONG = [
    ["algorithms", "--nope"],
    ["algorithms", "--threads", "none"],
    ["algorithms", "-q", "-v"],
    ["algorithms", "--task"],
    ["algorithms", "ngram", "surplus"],
    ["no-such"],
    ["train"],
    ["algorithms", "--config", "nowhere.toml"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_command_line_that_cannot_be_read_stands_in_the_log_file(
    run: Run, place: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = place.parent / "config" / "pmlcli" / "config.toml"
    own.parent.mkdir(parents=True)
    for number, how in enumerate(("option", "joined", "variable", "own")):
        given = {"option": ["--log-file", "run.jsonl"], "joined": ["--log-file=run.jsonl"]}.get(how, [])
        own.write_text('log-file = "run.jsonl"\n' if how == "own" else "")
        with monkeypatch.context() as patch:
            if how == "variable":
                patch.setenv("PMLCLI_LOG_FILE", "run.jsonl")
            done = run(arguments[0], *given, *arguments[1:])
        assert done.exit_code == 2, done.output
        lines = lines_of(place / "run.jsonl")
        assert [line["kind"] for line in lines] == ["error", "end"] * (number + 1), how
        assert lines[-1]["exit_code"] == 2
        assert str(lines[-2]["text"]).partition(" (")[0] in done.stderr


def test_a_run_s_end_is_written_once_and_to_no_file_that_follows_a_double_dash(run: Run, place: Path) -> None:
    assert run("algorithms", "no-such", "--log-file", "run.jsonl").exit_code == 2
    assert [line["kind"] for line in lines_of(place / "run.jsonl")].count("end") == 1
    assert run("algorithms", "--", "--log-file", "other.jsonl").exit_code == 2
    assert run("algorithms", "--nope", "--log-file", ".").exit_code == 2
    assert [path.name for path in place.iterdir()] == ["run.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["algorithms"], 0),
        (["algorithms", "no-such"], 2),
        (["verify", "nowhere"], 4),
        (["convert", "nowhere.csv", "-o", "x.csv"], 3),
        (["keygen", "/dev/null/key"], 74),
    ],
)
def test_every_command_s_log_file_ends_with_its_exit_code(
    run: Run, place: Path, arguments: list[str], code: int
) -> None:
    done = run(*arguments, "--log-file", "run.jsonl")
    assert done.exit_code == code, done.output
    assert lines_of(place / "run.jsonl")[-1]["exit_code"] == code
    assert run(*arguments, "--log-file", "run.log").exit_code == code
    last = (place / "run.log").read_text().splitlines()[-1]
    assert f"ended with exit code {code} after" in last
