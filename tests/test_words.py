"""One word a thing: public names, parameters and options keep to the glossary of docs/architecture.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import pmlcli
from pmlcli import registry
from pmlcli.algorithms._interface.task import Fitted, Task
from pmlcli.algorithms._prefixes.request import Requested
from pmlcli.algorithms._prefixes.task import PrefixTask
from pmlcli.cli.app import app

PAGE = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def rows(header: str) -> list[list[str]]:
    """The cells of the table under this header line."""
    lines = PAGE.partition(f"{header}\n")[2].splitlines()[1:]
    end = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


GLOSSARY = {
    word.strip(): cells[0]
    for cells in rows("| word | means | in code | not |")
    for word in cells[3].split(",")
    if word.strip()
}
"""A word not to be used, to what is said instead."""
FINE = {name: why for names, why in rows("| name | why |") for name in re.findall(r"`([^`]+)`", names)}
"""A public name that has such a word in another sense, to the reason."""


def words_of(name: str) -> set[str]:
    """`n_estimators`, `--fail-if` and `PredictRequest` to their words."""
    return {word.lower() for word in WORDS.findall(name)}


def parameters_of(value: Any) -> Iterator[str]:
    """The names by which something public is called."""
    if callable(value):
        yield from inspect.signature(value).parameters


def public_names() -> Iterator[str]:
    """What `import pmlcli` and the pages for authors offer: names, members, and what they are called with."""
    authors = {cls.__name__: cls for cls in (Task, Fitted, PrefixTask, Requested)}
    for name, value in ({one: getattr(pmlcli, one) for one in pmlcli.__all__} | authors).items():
        yield name
        yield from (f"{name}({parameter})" for parameter in parameters_of(value))
        for member in members_of(value):
            yield f"{name}.{member}"
            yield from (f"{name}.{member}({one})" for one in parameters_of(getattr(value, member, None)))


def members_of(value: object) -> list[str]:
    """The public attributes that a class declares itself."""
    if not isinstance(value, type):
        return []
    return sorted(one for one in {*vars(value), *value.__dict__.get("__annotations__", {})} if one[0] != "_")


def parameters() -> Iterator[str]:
    """The parameters of all algorithms, and the fields of all tasks' requests."""
    for name in registry.names():
        yield from (f"{name} {parameter.name}" for parameter in registry.card(name).parameters)
    for task in registry.tasks():
        found = registry.task_card(task)
        yield from (f"{task} {field.name}" for field in (*found.request, *found.parameters))


def options() -> Iterator[str]:
    """All options and arguments of all commands, by command."""
    root = typer.main.get_command(app)
    for name, command in {"": root, **getattr(root, "commands", {})}.items():
        for option in command.params:
            yield from (f"{name} {one}" for one in (option.name, *option.opts, *option.secondary_opts) if one)


NAMES = {"public names": public_names, "parameters": parameters, "options": options}


def breaches(names: Iterator[str]) -> list[str]:
    """Names that have a word of the glossary's last column, with what to say instead."""
    return [
        f"{name}: not '{word}' but {GLOSSARY[word]}"
        for name in dict.fromkeys(names)
        if name not in FINE
        for word in sorted(words_of(re.split(r"[ .(]", name.rstrip(")"))[-1]) & {*GLOSSARY})
    ]


def test_the_glossary_says_which_words_not() -> None:
    assert {"memory", "trees", "rounds", "units", "outside", "asked", "answer", "passes"} <= {*GLOSSARY}
    assert len({*GLOSSARY}) > 15
    assert all(len(why) > 10 for why in FINE.values())


@pytest.mark.parametrize("where", NAMES)
def test_names_keep_to_the_glossary(where: str) -> None:
    assert len([*NAMES[where]()]) > 100
    assert breaches(NAMES[where]()) == []


def test_an_exception_is_still_needed() -> None:
    everything = {name for names in NAMES.values() for name in names()}
    assert {*FINE} <= everything
    assert all(words_of(name) & {*GLOSSARY} for name in FINE)


@pytest.mark.parametrize("name", ["gru memory", "Model.units", "train --trees", "AskedRounds"])
def test_a_word_of_the_last_column_is_found(name: str) -> None:
    assert len(breaches(iter([name]))) >= 1


def test_a_parameter_has_one_help_text_in_all_algorithms() -> None:
    helps: dict[str, dict[str, list[str]]] = {}
    for name in registry.names():
        for parameter in registry.card(name).parameters:
            helps.setdefault(parameter.name, {}).setdefault(parameter.help, []).append(name)
    assert len(helps) > 40
    assert {name: found for name, found in helps.items() if len(found) > 1} == {}
