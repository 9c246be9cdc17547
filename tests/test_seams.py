"""What passes between task, algorithm and encoding has a type; nothing looks a name up at run time."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pmlcli.algorithms._interface.request import PredictRequest

ROOT = Path(__file__).parent.parent / "pmlcli"
SEAMS = sorted(ROOT.glob("algorithms/**/*.py"))
TASKS = sorted([*ROOT.glob("algorithms/[!_]*/*.py"), *ROOT.glob("algorithms/_prefixes/*.py")])
DATA = {"data", "trial", "whole", "series"}
"""What arguments that hold encoded data, or an algorithm that has learned from them, are called."""


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


@pytest.mark.parametrize("file", SEAMS, ids=names(SEAMS))
def test_no_data_are_of_any_type(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.arg) and node.arg in DATA and node.annotation is not None:
            assert ast.unparse(node.annotation) != "Any", f"{file.name}:{node.lineno}: {node.arg} is Any"
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in DATA:
            assert ast.unparse(node.annotation) != "Any", f"{file.name}:{node.lineno}"
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("Encoding", "Encodes"):
            assert ast.unparse(node.slice) != "Any", f"{file.name}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("file", SEAMS, ids=names(SEAMS))
def test_arrays_have_one_name_each(file: Path) -> None:
    """`Codes` and `Floats` of `pmlcli/arrays.py`."""
    kinds = {"NDArray[np.int64]", "NDArray[np.float64]", "Codes", "Floats"}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            assert ast.unparse(node.value) not in kinds, f"{file.name}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("file", TASKS, ids=names(TASKS))
def test_a_task_takes_its_own_request(file: Path) -> None:
    """`PredictRequest` holds names of any task; of a task's own request the type checker knows each field."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert "PredictRequest" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_a_request_by_name_has_no_fields_to_look_up() -> None:
    assert not hasattr(PredictRequest(level="event"), "level")
    assert "__getattr__" not in vars(PredictRequest)


BASES = sorted(
    [
        file
        for room in ("_interface", "_learning", "_prefixes")
        for file in ROOT.glob(f"algorithms/{room}/*.py")
    ]
    + [ROOT / "encoding" / "base.py", ROOT / "encoding" / "bundle.py"]
)
LOOK_UPS = {"isinstance", "issubclass", "hasattr", "getattr", "__subclasses__"}
ALLOWED = {
    "_interface/param.py": {"isinstance", "getattr"},  # values from a command line, and type hints
    "_interface/card.py": {"isinstance", "issubclass"},  # nodes of a syntax tree; classes for their docs
    "_interface/request.py": {"isinstance"},  # equality with whatever it is compared with
    "_interface/form.py": {"isinstance"},  # what a column holds
    "_interface/base.py": {"isinstance"},  # a tuple becomes a list in JSON
    "_learning/sizes.py": {"isinstance"},  # values read from JSON
    "_learning/choosing.py": {"isinstance"},  # values read from JSON, and who has a held-out fit of its own
    "_learning/learner.py": {"getattr"},  # torch hands functions of many kinds to its hook
    "_prefixes/due.py": {"isinstance"},  # what kind of values a column of the log holds
    "_prefixes/task.py": {"isinstance"},  # a list without rows would become a column of numbers
}
"""Checks of what data are, with the reason; none asks what kind of algorithm, task or encoding there is."""


@pytest.mark.parametrize("file", BASES, ids=names(BASES))
def test_bases_look_nothing_up_at_run_time(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = named & LOOK_UPS
    allowed = ALLOWED.get("/".join(file.parts[-2:]), set())
    assert found == allowed, f"{file.name}: {sorted(found ^ allowed)}"
