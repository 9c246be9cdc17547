"""Imports point down the layers, and heavy libraries are imported only where they are needed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "pmlcli"
FILES = sorted(ROOT.rglob("*.py"))

# What each layer may import from pmlcli. `runtime` and `errors` are the ground that all stand on.
GROUND = {"errors", "runtime", "__init__"}
ALLOWED = {
    "errors": set(),
    "runtime": set(),
    "store": {"errors"},
    "eventlog": GROUND,
    "evaluation": GROUND,
    "encoding": GROUND | {"eventlog"},
    "algorithms": GROUND | {"eventlog", "encoding", "evaluation"},
    "_cards": GROUND,
    "registry": GROUND | {"_cards", "algorithms"},
    "lifecycle": GROUND | {"store", "eventlog", "encoding", "evaluation", "algorithms", "registry", "_cards"},
    "render": GROUND | {"eventlog", "lifecycle", "_cards"},
    "cli": GROUND
    | {"store", "eventlog", "encoding", "algorithms", "lifecycle", "registry", "render", "_cards"},
    "__init__": set(),
    "__main__": {"cli"},
}
ONLY_IN = {
    "torch": {"algorithms"},
    "sklearn": {"algorithms", "store"},
    "statsmodels": {"algorithms"},
    "xgboost": {"algorithms"},
    "prophet": {"algorithms"},
    "typer": {"cli"},
    "rich": {"cli", "render"},
}


def layer_of(file: Path) -> str:
    return file.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(file: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_every_file_belongs_to_a_known_layer() -> None:
    assert {layer_of(file) for file in FILES} <= set(ALLOWED)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_down(file: Path) -> None:
    layer = layer_of(file)
    for name in imports_of(file):
        top, _, rest = name.partition(".")
        if top == "pmlcli":
            target = rest.partition(".")[0]
            known = target if target in ALLOWED else "__init__"
            assert known == layer or known in ALLOWED[layer], f"{file.name} ({layer}) imports {name}"
        elif top in ONLY_IN:
            assert layer in ONLY_IN[top], f"{file.name} ({layer}) imports {top}"


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("algorithms/*/[!_]*.py")), ids=lambda f: f"{f.parent.name}/{f.stem}"
)
def test_an_algorithm_sees_no_other_algorithm_and_is_short(file: Path) -> None:
    for name in imports_of(file):
        parts = name.split(".")
        if parts[:2] == ["pmlcli", "algorithms"]:
            assert parts[2].startswith("_"), f"{file.name} imports {name}"
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 100
