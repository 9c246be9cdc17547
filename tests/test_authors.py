"""How much an author of an algorithm has to know: the names that it must give or may override."""

from __future__ import annotations

import ast
import dataclasses
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pmlcli import registry
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.param import specs
from tests.contract.cases import is_installed

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding-an-algorithm.md").read_text(encoding="utf-8")
MOST_NAMES = 10
KEEPING = {"container", "allowed_globals", "estimator_class", "tolerance", "state", "restore"}
"""Only for learned state in a library's own format; the docs have a section of them."""
COMBINING = {"member_names", "parts", "kept_members", "choices"}
"""Only for those that combine others; the docs have a section of them."""
ALSO_COMBINING = {"AnomalyDetector": {"held_out_scores", "judge"}}
SEALED = {"task"}
"""Given by the task's class; no algorithm says it."""


def bases() -> list[type[Algorithm[Any]]]:
    """The classes that the tasks' algorithms inherit from: those in `<task>/_*.py`."""
    found = []
    for file in sorted(ROOT.glob("pmlcli/algorithms/[!_]*/_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and any("Algorithm[" in ast.unparse(b) for b in node.bases):
                module = import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
                found.append(vars(module)[node.name])
    return found


BASES = bases()


def is_final(value: Any) -> bool:
    inner = value.fget if isinstance(value, property) else value
    return bool(getattr(inner, "__final__", False))


def open_names(base: type[Algorithm[Any]]) -> set[str]:
    """What an author may override or must give: all names but parameters, learned state and what is final."""
    names: dict[str, Any] = {}
    for cls in reversed([one for one in base.__mro__ if issubclass(one, Algorithm)]):
        names |= dict.fromkeys(vars(cls).get("__annotations__", {})) | dict(vars(cls))
    learned = {name for name in names if name.endswith("_")}
    inner = {name for name in names if name.startswith("_")}
    parameters = {spec.name for spec in specs(base)}
    return {n for n, v in names.items() if not is_final(v)} - learned - inner - parameters - SEALED


def author_names(base: type[Algorithm[Any]]) -> set[str]:
    return open_names(base) - KEEPING - COMBINING - ALSO_COMBINING.get(base.__name__, set())


def test_each_task_has_a_base() -> None:
    tasks = {file.parent.name for file in ROOT.glob("pmlcli/algorithms/[!_]*/_task.py")}
    assert {base.__module__.split(".")[2] for base in BASES} == tasks


@pytest.mark.parametrize("base", BASES, ids=lambda base: str(base.__name__))
def test_an_author_sees_at_most_ten_names(base: type[Algorithm[Any]]) -> None:
    names = author_names(base)
    assert len(names) <= MOST_NAMES, sorted(names)
    assert {"source", "fit"} <= names


@pytest.mark.parametrize("base", BASES, ids=lambda base: str(base.__name__))
def test_each_name_is_in_the_docs(base: type[Algorithm[Any]]) -> None:
    missing = {name for name in open_names(base) if f"`{name}`" not in PAGE}
    assert not missing


NETWORKS = [name for name in registry.names() if registry.card(name).container == "safetensors"]


def network_names(cls: type[Algorithm[Any]]) -> set[str]:
    """What the author of a network may override or must give: as of other algorithms, and of the learner what
    it is made of. What `NeuralAlgorithm` gives counts where the file gives it anew all the same.
    """
    from pmlcli.algorithms._learning.learner import Learner, Objective
    from pmlcli.algorithms._learning.neural import NeuralAlgorithm

    given = KEEPING | COMBINING | {"extra", "can_stop_early"}
    module = vars(import_module(cls.__module__)).values()
    own = [one for one in module if isinstance(one, type) and one.__module__ == cls.__module__]
    has_objective = any(issubclass(one, Objective) for one in own)
    assert issubclass(cls, NeuralAlgorithm)
    learner = {field.name for field in dataclasses.fields(Learner)}
    objective = {name for name in vars(Objective) if not name.startswith("_")} if has_objective else set()
    return (open_names(cls) - given) | (open_names(cls) & vars(cls).keys() - COMBINING) | learner | objective


@pytest.mark.parametrize("name", NETWORKS)
def test_an_author_of_a_network_sees_at_most_ten_names(name: str) -> None:
    if not is_installed(name):
        pytest.skip("an extra is not installed")
    names = network_names(registry.find(name))
    assert len(names) <= MOST_NAMES, sorted(names)
    assert {"source", "make_learner", "network", "objective"} <= names
    assert not {"fit", "refit", "state", "restore"} & names
    assert {found for found in names if f"`{found}`" not in PAGE} == set()


@pytest.mark.parametrize("base", BASES, ids=lambda base: str(base.__name__))
def test_a_base_stands_right_below_algorithm(base: type[Algorithm[Any]]) -> None:
    assert base.__mro__[1] is Algorithm
