"""One word a thing: names, options, keys and texts keep to the glossary of docs/architecture.md."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
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

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
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
UNUSED = {word.strip(): cells[1] for cells in rows("| word | instead |") for word in cells[0].split(",")}
"""A word that no text for people has, to what is said instead."""


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


@cache
def trees() -> tuple[ast.Module, ...]:
    """The parsed files of the library."""
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "pmlcli").rglob("*.py"))


def nodes() -> Iterator[ast.AST]:
    """All nodes of all files."""
    for tree in trees():
        yield from ast.walk(tree)


def keys() -> Iterator[str]:
    """Keys of dicts and names of columns that are written out: JSON, manifests, states, tables."""
    for node in nodes():
        for one in literals(node):
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.isidentifier():
                yield f"key {one.value}"


def literals(node: ast.AST) -> list[ast.expr | None]:
    """Where this node may have a key or the name of a column."""
    if isinstance(node, ast.Dict):
        return [*node.keys]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    is_columns = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "columns"
    return [*node.args] if isinstance(node, ast.Call) and is_columns else []


def fields() -> Iterator[str]:
    """Declared fields of all public classes: what is written of a result, a card or a manifest are these."""
    for node in nodes():
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield f"{node.name}.{line.target.id}"


NAMES = {
    "public names": public_names,
    "parameters": parameters,
    "options": options,
    "keys": keys,
    "fields": fields,
}


def helps() -> Iterator[tuple[str, str]]:
    """Help of commands, options and parameters, and the descriptions of algorithms."""
    root = typer.main.get_command(app)
    for name, command in {"": root, **getattr(root, "commands", {})}.items():
        yield name, command.help or ""
        yield from ((f"{name} {one.name}", getattr(one, "help", None) or "") for one in command.params)
    for name in registry.names():
        card = registry.card(name)
        yield name, f"{card.summary} {card.description}"
        yield from ((f"{name} {one.name}", one.help) for one in card.parameters)
    for task in registry.tasks():
        yield from ((f"{task} {one.name}", one.help) for one in registry.task_card(task).request)


def errors() -> Iterator[tuple[str, str]]:
    """Text of all errors that are raised, with their hints."""
    for node in nodes():
        if isinstance(node, ast.Raise) and node.exc is not None:
            for one in ast.walk(node.exc):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value, one.value


def pages() -> Iterator[tuple[str, str]]:
    """The pages for readers, without the tables of words and without code."""
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        text = re.sub(r"\| word \|.*\n(\|.*\n)*", "", page.read_text(encoding="utf-8"))
        yield page.name, re.sub(r"`[^`]*`", "", text)


TEXTS = {"helps": helps, "errors": errors, "pages": pages}


def unused(texts: Iterator[tuple[str, str]]) -> list[str]:
    """Texts with a word of the second table, and what to say instead."""
    return [
        f"{where}: not '{word}' but {UNUSED[word]}: ...{text[max(0, at.start() - 40) : at.end() + 20]}..."
        for where, text in texts
        for word in UNUSED
        for at in re.finditer(rf"\b{word}\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("where", TEXTS)
def test_texts_do_without_words_that_nobody_says(where: str) -> None:
    assert sum(1 for _text in TEXTS[where]()) > 10
    assert unused(TEXTS[where]()) == []


def test_such_a_word_is_found_in_a_text() -> None:
    assert len(unused(iter([("page", "Told by a wish."), ("other", "stolden wishing")]))) == 2


@pytest.mark.parametrize("node", ["{'asked': 1}", "given['asked']", "columns('text', 'asked')"])
def test_a_key_of_each_form_is_found(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "trees", lambda: (ast.parse(node),))
    assert breaches(keys()) == ["key asked: not 'asked' but request"]


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
