"""What the package imports and what `pyproject.toml` declares are the same, both ways."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
NO_LIBRARIES = {"all", "test", "fuzz"}
"""Extras that bring no library of the package's own."""
BROUGHT = {"holidays": "prophet"}
"""Imported, and brought by what is declared."""
PROGRAMS = {"graphviz-pure"}
"""Dependencies that are run and not imported."""
NAMED_ONLY: set[str] = {"discovery"}
"""Extras whose library the package does not import yet."""


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {plain(re.match(r"[\w.-]+", text)[0]) for text in requirements}  # type: ignore[index]


def imported() -> set[str]:
    """The top names of all imports in the package, without the standard library and itself."""
    found = set()
    for file in (ROOT / "pmlcli").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"pmlcli", "__future__"}


def distributions(module: str) -> set[str]:
    known = {plain(name) for name in packages_distributions().get(module, [module])}
    return {"xgboost-cpu" if name == "xgboost" else name for name in known}


def test_whatever_is_imported_is_declared() -> None:
    libraries = declared(
        [*PROJECT["dependencies"], *(r for e in EXTRAS if e not in NO_LIBRARIES for r in EXTRAS[e])]
    )
    for module in imported():
        assert distributions(BROUGHT.get(module, module)) & libraries, (
            f"{module} is imported and not declared"
        )


def test_whatever_is_declared_is_imported() -> None:
    found = {name for module in imported() for name in distributions(module)} | {"xgboost"}
    assert declared(PROJECT["dependencies"]) <= found | PROGRAMS
    for extra in EXTRAS.keys() - NO_LIBRARIES - NAMED_ONLY:
        assert declared(EXTRAS[extra]) <= found, extra


def test_all_is_every_extra_but_the_one_under_the_agpl() -> None:
    (everything,) = EXTRAS["all"]
    named = set(everything.removeprefix("pmlcli[").removesuffix("]").split(","))
    assert named == EXTRAS.keys() - NO_LIBRARIES - {"discovery"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "`discovery`" in readme
    assert "AGPL" in readme


def test_no_address_is_given_that_leads_nowhere() -> None:
    """The project has no page yet."""
    assert "urls" not in PROJECT
