"""What one algorithm alone needs is short, or docs/architecture.md says why it is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.test_layers import ALLOWED, MODULES, ROOT, TASKS, imports_of, module_of

ARCHITECTURE = Path(__file__).parent.parent / "docs" / "architecture.md"
MOST = 150
ALGORITHMS = {
    f"{file.parent.name}/{file.stem}": name
    for name, file in MODULES.items()
    if file.parent.name in TASKS and file.parent.parent.name == "algorithms" and file.stem[0] != "_"
}
ENSEMBLES = {name for name, module in ALGORITHMS.items() if "member_names" in MODULES[module].read_text()}
ABOVE = {layer for layer, below in ALLOWED.items() if below & {"algorithms", "lifecycle"}} - {"__init__"}


@cache
def imported(module: str) -> frozenset[str]:
    found = (module_of(name, MODULES) for name in imports_of(MODULES[module]))
    return frozenset(one for one in found if one is not None)


def reached(*modules: str) -> set[str]:
    """These modules and all that they import, and so on."""
    found: set[str] = set()
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in found:
            found.add(module)
            pending += imported(module)
    return found


@cache
def own_modules(algorithm: str) -> list[str]:
    """What no other algorithm reaches, ensembles not counted, and nothing above the algorithms."""
    others = [
        module
        for name, module in ALGORITHMS.items()
        if name != algorithm and (algorithm in ENSEMBLES or name not in ENSEMBLES)
    ]
    above = [module for module in MODULES if module.split(".")[1] in ABOVE]
    left = reached(ALGORITHMS[algorithm]) - reached(*others, *above)
    return sorted(module for module in left if not module.endswith("__init__"))


def lines_of_code(file: Path) -> int:
    """But for imports, docstrings, comments and empty lines."""
    text = file.read_text(encoding="utf-8")
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Import | ast.ImportFrom) or is_text:
            assert isinstance(node, ast.stmt)
            left_out |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    kept = (line for at, line in enumerate(text.splitlines(), 1) if at not in left_out)
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in kept)


def size(algorithm: str) -> int:
    return sum(lines_of_code(MODULES[module]) for module in own_modules(algorithm))


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the table in docs/architecture.md whose first column has this name."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None, heading
    for line in table[1].splitlines():
        yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def test_what_one_algorithm_alone_reaches_is_short_or_listed_with_its_reason() -> None:
    listed = {name: int(about) for name, about, _why in rows("algorithm alone")}
    found = {name: size(name) for name in ALGORITHMS}
    assert set(listed) == {name for name, lines in found.items() if lines > MOST}, found
    for name, about in listed.items():
        assert found[name] == pytest.approx(about, rel=0.2), f"docs/architecture.md says {about} of {name}"


def test_a_module_that_one_algorithm_alone_reaches_stands_in_its_file_or_is_listed() -> None:
    """A module beside an algorithm is a thing by itself, not overflow; docs/architecture.md says which."""
    found = {
        module.removeprefix("pmlcli.").removeprefix("algorithms."): name
        for name in ALGORITHMS
        for module in own_modules(name)
        if module != ALGORITHMS[name]
    }
    assert found == {module: name for module, name, _why in rows("module alone")}


def test_a_facade_is_thin() -> None:
    """Model holds the state and calls the steps in their order; the steps stand in modules of their own."""
    assert lines_of_code(ROOT / "lifecycle" / "model.py") <= 190
