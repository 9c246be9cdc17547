"""Option, then variable, then file, then default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def tasks_of(run: Run, *arguments: str) -> set[str]:
    result = run("algorithms", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return {card["task"] for card in json.loads(result.stdout)["algorithms"]}


@pytest.mark.parametrize("file", ["pmlcli.toml", "pyproject.toml"])
def test_precedence(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    assert len(tasks_of(run)) > 2
    prefix = "tool.pmlcli." if file == "pyproject.toml" else ""
    (place / file).write_text(f'[{prefix}algorithms]\ntask = "forecast"\n')
    assert tasks_of(run) == {"forecast"}
    monkeypatch.setenv("PMLCLI_TASK", "anomaly")
    assert tasks_of(run) == {"anomaly"}
    assert tasks_of(run, "-t", "next-activity") == {"next-activity"}


def test_a_key_at_the_top_holds_for_every_command_that_has_it(run: Run, place: Path) -> None:
    (place / "pmlcli.toml").write_text('task = "forecast"\ntimezone = "Europe/Berlin"\n')
    assert tasks_of(run) == {"forecast"}


def test_the_command_s_table_wins_over_the_top(run: Run, place: Path) -> None:
    (place / "pmlcli.toml").write_text('task = "forecast"\n[algorithms]\ntask = "anomaly"\n')
    assert tasks_of(run) == {"anomaly"}


def test_config_names_another_file(run: Run, place: Path) -> None:
    (place / "pmlcli.toml").write_text("nonsense = 1\n")
    (place / "other.toml").write_text('[algorithms]\ntask = "forecast"\n')
    assert tasks_of(run, "--config", "other.toml") == {"forecast"}


def test_json_may_be_set_in_the_file_and_errors_follow(run: Run, place: Path) -> None:
    (place / "pmlcli.toml").write_text("json = true\n")
    result = run("algorithms", "no-such")
    assert json.loads(result.stdout)["error"]["code"] == "usage"
    assert result.stderr == "settings found in pmlcli.toml: json = true\n"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ('tme-zone = "UTC"', "pmlcli.toml: unknown key 'tme-zone'", "did you mean 'timezone'?"),
        ("[train]\ntsk = 1", "pmlcli.toml, table [train]: unknown key 'tsk'", "did you mean 'task'?"),
        ("[trian]\nseed = 1", "pmlcli.toml: unknown key 'trian'", "did you mean 'train'?"),
        ("train = 1", "pmlcli.toml: 'train' is a command and takes a table", "write [train]"),
        ("[[train]]", "pmlcli.toml: 'train' is a command and takes a table", "write [train]"),
        (
            "day-first = true\nmonth_first = true",
            "pmlcli.toml: key 'month_first' sets --day-first a second time",
            None,
        ),
        ("month-first = 'yes'", "pmlcli.toml: key 'month-first' takes true or false", None),
        ("config = 'x'", "pmlcli.toml: 'config' is a command and takes a table", None),
        ("[algorithms]\ntask = [1, 2]", "pmlcli.toml, table [algorithms]: key 'task' takes one value", None),
        ("a = ", "pmlcli.toml: not valid TOML:", None),
    ],
)
def test_what_is_wrong_in_the_file_is_named(
    run: Run, place: Path, content: str, message: str, hint: str | None
) -> None:
    (place / "pmlcli.toml").write_text(content)
    result = run("inspect", "log.csv") if "month" in content else run("algorithms")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[0].startswith(f"error: {message}")
    assert hint is None or result.stderr.splitlines()[1] == f"hint: {hint}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('[tool]\npmlcli = "x"', "the value 'x'"),
        ("[tool]\npmlcli = 5", "the value 5"),
        ("[tool]\npmlcli = false", "the value False"),
        ("tool.pmlcli = []", "an array"),
        ("[[tool.pmlcli]]\ntask = 'suffix'", "an array"),
    ],
)
@pytest.mark.parametrize("named", [[], ["--config", "pyproject.toml"]], ids=["found", "named"])
def test_settings_of_a_project_that_are_no_table_are_an_error(
    run: Run, place: Path, content: str, what: str, named: list[str]
) -> None:
    (place / "pyproject.toml").write_text(content)
    result = run("algorithms", *named)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: pyproject.toml: tool.pmlcli is {what}, not a table\nhint: ")


@pytest.mark.parametrize("content", ["", "[tool]", "[tool.other]\na = 1", "[tool.pmlcli]", "tool = 1"])
def test_a_project_without_settings_is_no_matter(run: Run, place: Path, content: str) -> None:
    (place / "pyproject.toml").write_text(content)
    assert run("algorithms").exit_code == 0
    named = run("algorithms", "--config", "pyproject.toml")
    # A table that is there and empty says what it says.
    assert (named.exit_code, "has no table [tool.pmlcli]" in named.stderr) == (
        (0, False) if content == "[tool.pmlcli]" else (2, True)
    )


def test_a_bad_value_names_the_file_or_variable_it_came_from(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "pmlcli.toml").write_text('[train]\nseed = "abc"\n')
    result = run("train", "none.csv", "-a", "ngram")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: pmlcli.toml: '--seed'")
    monkeypatch.setenv("PMLCLI_SEED", "xyz")
    result = run("train", "none.csv", "-a", "ngram")
    assert result.stderr.startswith("error: variable PMLCLI_SEED: '--seed'")
    result = run("train", "none.csv", "-a", "ngram", "--seed", "q")
    assert result.stderr.startswith("error: '--seed'")


def test_a_misspelt_variable_is_told_with_the_nearest(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMLCLI_TIMEZNE", "UTC")
    result = run("algorithms", "-q")
    assert result.exit_code == 0
    assert (
        result.stderr == "warning: PMLCLI_TIMEZNE is no variable of pmlcli (did you mean PMLCLI_TIMEZONE?)\n"
    )
    monkeypatch.delenv("PMLCLI_TIMEZNE")
    monkeypatch.setenv("PMLCLI_TIMEZONE", "UTC")
    assert run("algorithms").stderr == ""


def test_a_missing_file_given_by_name_is_an_error(run: Run) -> None:
    result = run("algorithms", "--config", "none.toml")
    assert result.exit_code == 2
    assert "none.toml: cannot read the configuration" in result.stderr


def test_parameters_may_be_a_table(run: Run, place: Path, csv_log: Path) -> None:
    (place / "pmlcli.toml").write_text('[train]\nalgorithm = "ngram"\n[train.param]\norder = 0\n')
    result = run("train", csv_log)
    assert result.exit_code == 2
    assert "'order'" in result.stderr


def test_quiet_and_verbose_exclude_each_other(run: Run) -> None:
    result = run("algorithms", "-q", "-v")
    assert result.exit_code == 2
    assert "exclude" in result.stderr
