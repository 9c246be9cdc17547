"""`--help` of every command, word for word. PMLCLI_REGENERATE=1 writes the files anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.main import get_command

import pmlcli
from pmlcli.cli._examples import EXAMPLES
from pmlcli.cli.app import FOLDED, app
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


def test_no_command_is_a_usage_error_that_says_where_to_start(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Start here:\n  pmlcli sample\n")
    assert all(command in result.stderr for command in ("pmlcli --help", "pmlcli doctor"))


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_is_folded_is_lost(command: str, run: Run) -> None:
    """Every option is named by --help, and explained by it or by --help-all."""
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    short = run(command, "--help", prog_name="pmlcli").stdout
    is_folded = "--help-all" in short
    whole = run(command, "--help-all", prog_name="pmlcli").stdout if is_folded else short
    assert is_folded == any(one.rich_help_panel in FOLDED for one in parameters)
    joined = re.sub(r"-\n\s+", "-", short)
    for one in parameters:
        if one.param_type_name == "option":
            assert one.opts[0] in joined
            assert re.search(rf"^  .*{one.opts[0]}\b", whole, re.MULTILINE)
            assert " ".join(one.help.split()[:2]) in " ".join(whole.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_begins_with_two_or_three_examples(command: str, run: Run) -> None:
    lines = run(command, "--help", prog_name="pmlcli").stdout.splitlines()
    assert lines[2] == "Examples:"
    shown = [line.strip() for line in lines[3 : lines.index("", 3)]]
    assert shown == list(EXAMPLES[command])
    assert 2 <= len(shown) <= 3
    assert all(line.split()[:2] == ["pmlcli", command] for line in shown)


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
