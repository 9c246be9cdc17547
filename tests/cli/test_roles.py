"""A log whose columns no name tells: `inspect` goes on with a guess, others print the options."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import FAST, Run
from tests.eventlog.test_roles import events


@pytest.mark.parametrize(
    "names", [["a b", "c", "d"], ["case_id", "activity", "d"], ["it's", "activity", "timestamp"]]
)
def test_the_printed_command_line_runs(names: list[str], run: Run, place: Path) -> None:
    events()[["case", "activity", "end"]].set_axis(names, axis=1).to_csv(place / "x.csv", index=False)
    assert run("inspect", "x.csv").exit_code == 0
    assert "columns.guessed" in run("inspect", "x.csv").stdout
    result = run("train", "x.csv", "-a", FAST, "-o", "m")
    assert result.exit_code == 3
    assert not (place / "m").exists()
    command = result.stderr.strip().splitlines()[-1].removeprefix("hint: ")
    program, *arguments = shlex.split(command)
    assert program == "pmlcli"
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    assert run("predict", "m", "x.csv", "--cases", "all").exit_code == 0
