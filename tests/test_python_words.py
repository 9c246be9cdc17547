"""Errors name keyword arguments where Python prints them, whatever option they are about."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pmlcli
from pmlcli import registry
from pmlcli.encoding.hindsight import ColumnChoice
from pmlcli.errors import ValidationError
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.selection import Selection
from pmlcli.lifecycle.evaluating import Scope
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.monitoring import Monitored
from pmlcli.python_words import FLAGS, OTHERWISE, VALUES, in_python

ROOT = Path(pmlcli.__file__).parent
OPTION = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)")
ONLY_THERE = {
    "annotate",  # files that the command line writes
    "any-log",
    "debug",
    "format",
    "history",
    "json",
    "raw-csv",
    "resume",
    "holidays",
    "by",
}
"""Options of whose matter Python has no keyword of the same name, or another way."""


def texts() -> Iterator[tuple[str, str]]:
    """File and text of every string of the library that names an option, docstrings left out."""
    for file in sorted(ROOT.rglob("*.py")):
        if file.relative_to(ROOT).parts[0] in ("cli", "python_words.py", "__main__.py"):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in said and OPTION.search(node.value):
                yield str(file.relative_to(ROOT)), node.value


TEXTS = list(texts())


def keywords() -> set[str]:
    """All names by which Python takes what options say."""
    found = {
        one.name
        for cls in (ReadOptions, Selection, Scope, Monitored, ColumnChoice)
        for one in dataclasses.fields(cls)
    }
    for method in ("train", "predict", "evaluate", "monitor", "save", "load"):
        found |= set(inspect.signature(getattr(Model, method)).parameters)
    found |= {
        one.name for options in (registry.request_options(), registry.input_options()) for one in options
    }
    return found | {one.name for name in registry.names() for one in registry.card(name).parameters}


def test_every_option_in_the_library_has_a_name_in_python() -> None:
    assert len(TEXTS) > 60
    known = keywords()
    for file, text in TEXTS:
        for name in OPTION.findall(text):
            is_known = name in OTHERWISE or name in ONLY_THERE or name.replace("-", "_") in known
            assert is_known, f"{file}: --{name} has no name in Python: {text}"


def test_no_option_is_left_in_what_python_says() -> None:
    left = [said for _, text in TEXTS if OPTION.search(said := in_python(text))]
    assert not left


def test_flags_and_values_are_those_of_the_command_line() -> None:
    from typer.main import get_command

    from pmlcli.cli.app import app

    commands = get_command(app).commands.values()  # type: ignore[attr-defined]
    options = {opt: one for command in commands for one in command.params for opt in one.opts}
    assert all(options[f"--{name}"].is_flag for name in FLAGS)
    for name, values in VALUES.items():
        assert "|".join(values) == options[f"--{name}"].metavar.strip("[]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("give --force to replace it", "give force=True to replace it"),
        ("--foreign allow predicts all the same", "foreign='allow' predicts all the same"),
        ("map it (--timestamp COLUMN)", "map it (columns={'timestamp': ...})"),
        ("--as-of TIME says when it is", "as_of=TIME says when it is"),
        ("a-b --- c", "a-b --- c"),
        ("(--only-new leaves them out)", "(only_new=True leaves them out)"),
        ("name the pairs: --kpi 'follows:A->B'", "name the pairs: kpi='follows:A->B'"),
        ("`pmlcli algorithms` lists them", "`pmlcli.algorithms()` lists them"),
    ],
)
def test_an_option_becomes_a_keyword(text: str, said: str) -> None:
    assert in_python(text) == said


def test_an_error_speaks_python_as_text_and_options_on_the_command_line() -> None:
    error = ValidationError("m is a model already", hint="give --force to replace it")
    assert str(error) == "m is a model already (give force=True to replace it)"
    assert error.hint == error.to_dict()["hint"] == "give --force to replace it"
