"""`--help` of every command, word for word. PMLCLI_REGENERATE=1 writes the files anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.main import get_command

import pmlcli
from pmlcli.cli.app import app
from tests.cli.conftest import Run

SOURCE = Path(pmlcli.__file__).parent
GOLDEN = Path(__file__).parents[1] / "golden" / "help"
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]
REGENERATE = bool(os.environ.get("PMLCLI_REGENERATE"))


@pytest.mark.parametrize("command", ["pmlcli", *COMMANDS])
def test_help_is_as_committed(command: str, run: Run) -> None:
    arguments = [] if command == "pmlcli" else [command]
    result = run(*arguments, "--help", prog_name="pmlcli")
    assert result.exit_code == 0
    golden = GOLDEN / f"{command}.txt"
    if REGENERATE:
        golden.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == golden.read_text(encoding="utf-8")


def test_there_is_no_help_file_too_many() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(["pmlcli", *COMMANDS])


def test_every_option_has_help_and_the_same_option_the_same_meaning() -> None:
    meanings: dict[str, set[str]] = {}
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        for parameter in command.params:
            assert parameter.help, parameter.name
            if parameter.rich_help_panel in ("Common options", "Reading the log"):
                meanings.setdefault(parameter.opts[0], set()).add(parameter.help)
    assert meanings
    assert all(len(texts) == 1 for texts in meanings.values())


def test_no_command_is_a_usage_error_that_shows_the_help(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Commands:" in result.stderr


NOT_YET: set[str] = set()
"""Named in a hint, though no command takes it so far."""


def test_every_option_that_a_hint_names_exists() -> None:
    sources = [p for p in SOURCE.rglob("*.py") if p.parent.name != "cli"]
    named = {option for p in sources for option in re.findall(r"(?<![-\w])--[a-z][a-z-]+", p.read_text())}
    known = {
        option
        for command in get_command(app).commands.values()  # type: ignore[attr-defined]
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert named - NOT_YET - {"--help"} <= known
